"""What backup and restore say when they can't go on."""

import logging
import sys
from collections.abc import Callable

from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from pymongo.errors import PyMongoError

from deploy.backup.errors import RIGHTS, BackupError
from deploy.topic_settings import TopicSettingsError
from deploy.topics import TopicsError


def run_command(work: Callable[[], object]) -> int:
    """Returns the exit code: 0, or 1 after a sentence that says what is wrong."""
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # the command reports the failure in one sentence of its own
    try:
        work()
    except BackupError as error:
        sys.stderr.write(f"{error}\n")
    except PyMongoError as error:
        sys.stderr.write(f"MongoDB does not do what it is asked, look at MONGODB_URI: {str(error)[:300]}\n")
    except (TopicsError, TopicSettingsError) as error:
        sys.stderr.write(f"{error}\n")
    except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
        sys.stderr.write(f"Kafka refuses this to the user ({str(error)[:300]}): {RIGHTS}\n")
    except KafkaError as error:
        sys.stderr.write(f"Kafka does not answer, look at KAFKA_BOOTSTRAP_SERVERS: {str(error)[:300]}\n")
    except OSError as error:
        sys.stderr.write(f"A file or a connection fails: {error}\n")
    else:
        return 0
    return 1
