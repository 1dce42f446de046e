"""The simulated failures that are pending for one participant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SimulationState:
    """Pending effects of `SimulateScenario` requests. Times are seconds on the server's clock."""

    unanswered_resumes: int = 0
    """Resumes still to be dropped before they are answered."""
    unanswered_until: float = 0.0
    drop_until: float = 0.0
    speaking_until: float | None = None
    """End of the simulated speech; None if the participant is silent."""

    def drops_before_response(self, now: float) -> bool:
        """Return whether a resume at `now` is to be dropped before it is answered, and count it."""
        if not self.unanswered_resumes or now > self.unanswered_until:
            return False
        self.unanswered_resumes -= 1
        return True

    def drops_after_response(self, now: float) -> bool:
        """Return whether a resume at `now` is to be dropped after it was answered; true once per request."""
        until, self.drop_until = self.drop_until, 0.0
        return now <= until
