"""`make scan`: secrets in tracked files, the locked packages and their vulnerabilities, and a bill of materials."""
