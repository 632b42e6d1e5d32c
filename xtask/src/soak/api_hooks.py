"""What schemathesis has to be told: a media type of tus that it knows no way to write."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
