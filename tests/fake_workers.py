"""Workers that remember what they were given, for tests of what hands jobs over."""

from functions.core.workers import Job, NotTaken


class MemoryWorkers:
    """Workers that take every job but those with a shard in `refusing`."""

    def __init__(self, number: int = 3) -> None:
        self.number = number
        self.jobs: list[Job] = []
        self.refusing: set[int] = set()

    async def take(self, job: Job) -> None:
        """Take it, or not."""
        if self.refusing.intersection(job.shards):
            raise NotTaken("busy")
        self.jobs.append(job)
