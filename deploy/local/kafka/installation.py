"""The installed broker: its jars and the Java runtime that runs them, as a command line."""

from dataclasses import dataclass
from pathlib import Path

from deploy.local.kafka.java import Java

MEMORY_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:MaxMetaspaceSize=96m",
    "-XX:ReservedCodeCacheSize=48m",
    "-XX:MaxDirectMemorySize=64m",
)
"""Together they bound a broker at about 500 MB: heap, classes, compiled code, network buffers, and some threads.
About 200 MB are in use. docs/configuration.md states the bound."""
JAVA_OPTIONS = (
    *MEMORY_OPTIONS,
    "-XX:+UseSerialGC",
    # The optimizing compiler takes the two cores of a small machine for minutes, and gains little after that.
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
QUIET_OPTIONS = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
QUIET_OPTIONS_SINCE = 24
"""Java 24 and newer warn about calls that Kafka and its compression libraries make; older ones refuse the options."""


@dataclass(frozen=True, slots=True)
class Installation:
    java: Java
    jars: tuple[Path, ...]
    archive: Path | None = None
    """Classes in the form that the JVM maps into memory (class-data sharing). None: it parses them at each start."""

    def command(self, main_class: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        """Returns the command line that runs a class of the jars."""
        quiet = QUIET_OPTIONS if self.java.version >= QUIET_OPTIONS_SINCE else ()
        shared = (f"-XX:SharedArchiveFile={self.archive}",) if self.archive else ()
        # Written out and sorted: an archive is valid only for exactly the class path that it was made with.
        class_path = ":".join(str(jar) for jar in sorted(self.jars))
        return [
            str(self.java.executable),
            *(*JAVA_OPTIONS, *quiet, *shared, *options),
            *("-cp", class_path, main_class, *arguments),
        ]
