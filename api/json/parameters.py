"""What many routes are asked with: ids in the path, and what a list is narrowed to and where it goes on."""

from typing import Annotated

from fastapi import Path, Query

AttachmentId = Annotated[str, Path(description="附件编号")]
CardId = Annotated[str, Path(description="绑定的编号（不是卡号）")]
IssueId = Annotated[str, Path(description="问题的 id（不是给人看的 number）")]
MemberId = Annotated[str, Path(description="成员编号（不是人员编号）")]
OfferId = Annotated[str, Path(description="移交的编号")]
RegistrationId = Annotated[str, Path(description="注册的 id（不是给人看的 number）")]
RequestId = Annotated[str, Path(description="申请的编号")]
SessionId = Annotated[str, Path(description="登录编号")]
TaskId = Annotated[str, Path(description="任务编号")]

After = Annotated[str | None, Query(max_length=200, description="上一页的 next；第一页不填")]
Limit = Annotated[int, Query(ge=1, le=100, description="一页多少条")]
Status = Annotated[str | None, Query(max_length=64, description="只要这种状态的，文字同 status")]
Phase = Annotated[str | None, Query(max_length=64, description="只要这个阶段的，同 phase")]
Office = Annotated[str | None, Query(max_length=64, description="只要这个海关单位的，4 位代码")]
Category = Annotated[str | None, Query(max_length=64, description="只要这个业务类别的，代码")]
Kind = Annotated[str | None, Query(max_length=64, description="只要这个问题类型的，代码")]
