"""The lists to choose from."""

from uuid import UUID

from api.closed import Answer, answer, says


@answer
class CodeName(Answer):
    """One entry: the code is sent, the name is shown."""

    code: str = says("代码，用来提交")
    name: str = says("名称，用来显示")


@answer
class IdName(Answer):
    """A person to choose."""

    id: UUID = says("人员编号，用来提交")
    name: str = says("姓名，用来显示")


@answer
class Lists(Answer):
    """Every list that I may choose from."""

    kinds: list[CodeName] = says("问题类型")
    categories: list[CodeName] = says("业务类别")
    importances: list[CodeName] = says("重要性")
    offices: list[CodeName] = says("海关单位")
    executives: list[IdName] = says("本企业的高管")
