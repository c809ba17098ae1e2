"""Passwords by argon2id. Hashing is slow by intent, so it runs in threads of its own and outside transactions."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_urlsafe
from typing import TypeVar, TypeVarTuple, Unpack

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerificationError

from services.identity.domain import normalised_password

Outcome = TypeVar("Outcome")
Arguments = TypeVarTuple("Arguments")


class Passwords:
    """`threads` bounds the memory: each hash at work takes `memory_kib`."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int, threads: int) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=Type.ID)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._nobodys_hash = self._hasher.hash(token_urlsafe(32))

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Does the same work where there is no hash: whoever measures learns nothing about who exists."""
        matches = await self._in_thread(self._matches, password_hash or self._nobodys_hash, password)
        return matches and password_hash is not None

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
        except VerificationError:
            return False

    async def _in_thread(self, work: Callable[[Unpack[Arguments]], Outcome], *arguments: *Arguments) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _encoded(password: str) -> bytes:
    """Half a surrogate pair is no character, but whoever types one gets an answer like anybody else."""
    return normalised_password(password).encode("utf-8", "surrogatepass")
