"""What comes in: the base of every body, and the fields that many have."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Code = Annotated[str, Field(max_length=64)]
Phone = Annotated[str, Field(max_length=32, description="手机号", examples=["13800000001"])]


class Body(BaseModel):
    """What a caller sends: unknown fields are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)
