"""An S3 store of the tests' own, in a thread of this process: moto's server, asked by s3fs as any store is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest


@contextmanager
def object_store() -> Iterator[Mapping[str, str]]:
    """Start a store with a bucket `lab`; the settings by which a program finds it. Skips the test where none is."""
    for package in ("moto", "flask", "s3fs"):
        pytest.importorskip(package, reason=f"{package} is not installed: make setup-dev")
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "fourfold",
        "AWS_SECRET_ACCESS_KEY": "of the test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            S3FileSystem.clear_instance_cache()
            S3FileSystem().mkdir("lab")
            yield settings
            S3FileSystem.clear_instance_cache()
    finally:
        server.stop()
