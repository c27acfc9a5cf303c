"""What a person chose in the portal: a module per noun."""

from viewer.models.measurement import Measurement
from viewer.models.preference import Preference

__all__ = ["Measurement", "Preference"]
