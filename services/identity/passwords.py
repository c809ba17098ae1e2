"""Passwords by argon2id. Hashing is slow by intent, so it runs in threads of its own and outside transactions."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes
from typing import TypeVar, TypeVarTuple, Unpack

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from services.identity.domain import normalised_password

Outcome = TypeVar("Outcome")
Arguments = TypeVarTuple("Arguments")


class Passwords:
    """`threads` bounds the memory: each hash at work takes `memory_kib`."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int, threads: int) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=Type.ID)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._parameters = f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}"

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._hash, password)

    async def verify(self, password_hash: str | None, password: str, in_use: Iterable[str] = ()) -> bool:
        """`in_use` are the parameters of all hashes that are kept.

        One hash of each is worked out, the one that is asked about among them or nobody's in its place: so the work is
        the same whoever it is, and whoever measures learns nothing about who exists.
        """
        hashes = {parameters: _nobodys_hash(parameters) for parameters in in_use}
        if password_hash is not None:
            hashes[parameters_of(password_hash)] = password_hash
        if not hashes:
            hashes = {self._parameters: _nobodys_hash(self._parameters)}
        outcomes = {kept: await self._in_thread(self._matches, kept, password) for _, kept in sorted(hashes.items())}
        return password_hash is not None and outcomes[password_hash]

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than are set now."""
        return self._hasher.check_needs_rehash(password_hash)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_encoded(password))

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[Unpack[Arguments]], Outcome], *arguments: *Arguments) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _encoded(password: str) -> bytes:
    """Half a surrogate pair is no character, but whoever types one gets an answer like anybody else."""
    return normalised_password(password).encode("utf-8", "surrogatepass")


def parameters_of(password_hash: str) -> str:
    """All of a hash but its salt and its digest, as `$argon2id$v=19$m=19456,t=2,p=1`."""
    return password_hash.rsplit("$", 2)[0]


def _nobodys_hash(parameters: str) -> str:
    """Of no password that anybody knows; to find that out takes as long as with any other."""
    salt, digest = (b64encode(token_bytes(length)).decode().rstrip("=") for length in (16, 32))
    return f"{parameters}${salt}${digest}"
