"""A small replica of vosk-server's WebSocket protocol, to be measured against.

Written after github.com/alphacep/vosk-server, websocket/asr_server.py: one asyncio loop, a pool
of as many threads as there are cores, one ``AcceptWaveform`` a message, one answer a message.
Not the original: it is not on any package registry.

    python benchmarks/_vosk_server.py MODEL PORT
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import vosk
from websockets.asyncio.server import ServerConnection, serve

POOL = ThreadPoolExecutor(os.cpu_count() or 1)


def process(recognizer: vosk.KaldiRecognizer, message: bytes) -> str:
    if recognizer.AcceptWaveform(message):
        return str(recognizer.Result())
    return str(recognizer.PartialResult())


def build(model: vosk.Model, config: dict[str, object]) -> vosk.KaldiRecognizer:
    rate = float(str(config.get("sample_rate", 8000)))
    phrases = config.get("phrase_list")
    extra = (json.dumps(phrases, ensure_ascii=False),) if phrases else ()
    recognizer = vosk.KaldiRecognizer(model, rate, *extra)
    recognizer.SetWords(bool(config.get("words")))
    return recognizer


async def main(folder: str, port: int) -> None:
    vosk.SetLogLevel(-10)
    model = vosk.Model(folder)
    loop = asyncio.get_running_loop()

    async def answer(socket: ServerConnection) -> None:
        recognizer: vosk.KaldiRecognizer | None = None
        config: dict[str, object] = {}
        async for message in socket:
            if isinstance(message, str):
                config = json.loads(message).get("config", config)
                continue
            if recognizer is None:
                recognizer = await loop.run_in_executor(POOL, build, model, config)
            await socket.send(await loop.run_in_executor(POOL, process, recognizer, message))

    async with serve(answer, "127.0.0.1", port, compression=None):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
