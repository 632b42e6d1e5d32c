"""Uploads a file with tuspy and prints its address: python tuspy_upload.py URL AUTHORIZATION FILE PIECE_BYTES"""

import os
import sys

from tusclient import client

endpoint, authorization, path, piece_bytes = sys.argv[1:]
sending = client.TusClient(endpoint, headers={"Authorization": authorization}).uploader(
    path, chunk_size=int(piece_bytes), retries=200, retry_delay=0.02, metadata={"filename": os.path.basename(path)}
)
sending.upload()
print(sending.url)
