"""Why content may not come in: what follows the file's name in the sentence that its uploader reads, and what to do about it."""


class Unfit(Exception):
    """A reason, as it follows 文件“…”."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


MACROS = "带有宏，不能上传。请用 Office 或 WPS 打开，另存为不带宏的 docx、xlsx 或 pptx 再上传。"
LOCKED = "有密码或加密保护，别人打不开，不能上传。请去掉密码和保护，重新保存后再上传。"
EMBEDDED = "里嵌入了别的文件，不能上传。请删去嵌入的对象，把里面的文件单独上传。"
PROGRAM = "里嵌入了程序，不能上传。请删去程序，重新保存后再上传。"
OUTSIDE = "打开时会从别处装入模板、对象或命令，不能上传。请把内容复制到新建的文档里，保存后再上传。"
BROKEN = "不完整或已损坏，不能上传。请重新保存或重新导出后再上传。"
TOO_MUCH = "展开后的内容太多，不能上传。请拆成几个文件再上传。"
TOO_MANY_PIXELS = "的画面超过 1 亿像素，不能上传。请缩小后再上传。"
PICTURE_BROKEN = "是不完整或已损坏的图片，不能上传。请重新拍摄或导出后再上传。"
PICTURE_TOO_HARD = "的画面太大或太复杂，不能上传。请缩小后再上传。"
TOO_HARD = "的内容太复杂，检查没有完成，不能上传。请另存为 PDF 再上传。"
