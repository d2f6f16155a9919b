"""validate.py SCHEMA < DOCUMENT: nothing and status 0 when it is valid, otherwise the reasons and status 1."""

import sys

from lxml import etree

schema = etree.XMLSchema(etree.parse(sys.argv[1]))
document = etree.parse(sys.stdin.buffer)
if not schema.validate(document):
    print(schema.error_log)
    sys.exit(1)
