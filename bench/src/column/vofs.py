"""Starts the Python mountvofs: trusting the certificate of the service (it trusts certifi's bundle and nothing else, so
certifi is told of another file), and without asking a package index for newer versions of itself."""

import sys

import certifi

bundle = sys.argv[1]
certifi.where = certifi.core.where = lambda: bundle

import requests.adapters
import requests.certs
import requests.utils

requests.certs.where = certifi.where
requests.adapters.DEFAULT_CA_BUNDLE_PATH = requests.utils.DEFAULT_CA_BUNDLE_PATH = bundle

import cadcutils.util

cadcutils.util.check_version = cadcutils.util.utils.check_version = lambda *args, **kwargs: None

from vofs.mountvofs import mountvofs

sys.argv = ["mountvofs"] + sys.argv[2:]
sys.exit(mountvofs())
