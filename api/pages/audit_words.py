"""The audit log in words: what was done, on what, and what changed. A code without words is shown as it is."""

from collections.abc import Mapping
from typing import Any

from api.pages.wording import ROLE_NAMES
from domain.audit_read import AuditLine

ACTIONS = {
    "accept_admin": "接任企业管理员",
    "acknowledge_alarm": "确认告警",
    "add_list_entry": "添加列表项",
    "add_member": "添加成员",
    "add_office": "添加海关单位",
    "add_officer": "添加关员",
    "export_officers": "导出关员名单",
    "apply_registration": "申请注册",
    "bind_card": "绑定卡",
    "bind_wechat": "绑定微信",
    "block_card": "挂失卡",
    "change_password": "修改密码",
    "change_mail": "更换邮箱",
    "change_phone": "更换手机号码",
    "close_office": "停用海关单位",
    "confirm_mail": "确认邮箱",
    "decide_card_request": "处理绑卡申请",
    "decide_phone_request": "处理手机号码更换申请",
    "decline_admin": "谢绝接任企业管理员",
    "disable_officer": "停用关员",
    "edit_member": "修改成员",
    "edit_office": "修改海关单位",
    "edit_officer": "修改关员",
    "enable_officer": "启用关员",
    "end_session": "结束一处登录",
    "end_sessions": "结束全部登录",
    "erase_personal": "删除个人信息",
    "export_audit": "导出审计记录",
    "fail_card": "读卡被拒绝",
    "fail_card_sign_in": "插卡登录失败",
    "fail_cas": "CAS 登录失败",
    "fail_password": "原密码填错",
    "fail_sign_in": "登录失败",
    "fail_wechat": "微信登录失败",
    "give_admin": "设为企业管理员",
    "give_role": "授予角色",
    "lift_card": "解除卡的挂失",
    "lift_suspension": "恢复企业",
    "move_work": "移交离岗人员的工作",
    "offer_admin": "移交企业管理员",
    "order_list": "调整列表次序",
    "remove_member": "移除成员",
    "rename_list_entry": "修改列表项",
    "renew_card": "卡换发证书",
    "reopen_office": "恢复海关单位",
    "request_card": "申请绑定卡",
    "request_phone": "申请更换手机号码",
    "resume_member": "恢复成员",
    "retry_incident": "重试故障",
    "retry_job": "重试作业",
    "retry_message": "重发消息",
    "save_calendar_year": "保存节假日",
    "save_office_hours": "保存办公时间",
    "set_password": "设置密码",
    "settle_incident": "了结故障",
    "sign_audit_chain": "重新签名审计链",
    "sign_in": "登录",
    "sign_out": "退出登录",
    "suspend_enterprise": "停用企业",
    "suspend_member": "停用成员",
    "switch_membership": "切换企业",
    "take_role": "收回角色",
    "unbind_card": "解绑卡",
    "unbind_wechat": "解绑微信",
}
ABOUT = {
    "admin_offer": "企业管理员的移交",
    "audit_batch": "审计封存",
    "audit_record": "审计记录",
    "calendar_day": "节假日",
    "card": "卡",
    "card_challenge": "读卡",
    "card_request": "绑卡申请",
    "enterprise": "企业",
    "membership": "成员",
    "message": "消息",
    "message_alarm": "消息告警",
    "office": "海关单位",
    "office_hours": "办公时间",
    "officer": "关员",
    "person": "自然人账号",
    "phone_request": "手机号码更换申请",
    "registration": "企业注册申请",
    "session": "登录",
}
FIELDS = {
    "about": "对象",
    "action": "操作",
    "active": "启用",
    "address": "地址",
    "but": "保留的登录",
    "by": "经由",
    "card_id": "卡的编号",
    "card_number": "卡号",
    "challenge_id": "验证码编号",
    "contact": "联系人",
    "customs_code": "海关注册编码",
    "display_name": "姓名",
    "enterprise_id": "企业编号",
    "fingerprint": "证书指纹",
    "holder": "持卡人",
    "hours": "办公时间",
    "kind": "种类",
    "legal_person": "法定代表人",
    "membership_id": "成员编号",
    "must_change": "登录后须修改密码",
    "name": "姓名或名称",
    "number": "编号",
    "office": "海关单位",
    "officer_id": "关员编号",
    "person_id": "自然人编号",
    "phone": "手机",
    "position": "职务",
    "purpose": "用途",
    "reason": "原因",
    "roles": "身份",
    "route": "途径",
    "rows": "条数",
    "serial": "证书序列号",
    "sessions": "登录数",
    "since": "起始日期",
    "status": "状态",
    "tries": "失败次数",
    "until": "截止日期",
    "user_agent": "浏览器",
    "uscc": "统一社会信用代码",
    "values": "项数",
    "what": "对象",
    "who": "操作人",
    "why": "失败原因",
}


def tell_action(code: str) -> str:
    """What was done."""
    return ACTIONS.get(code, code)


def tell_about(code: str) -> str:
    """What kind of thing it was done on."""
    return ABOUT.get(code, code)


def tell_who(line: AuditLine) -> str:
    """Who did it; nobody had signed in for a failed sign-in, and jobs and commands are the system's."""
    if line.actor_id is None:
        return "未登录的人" if line.action.startswith("fail_") else "系统"
    return line.actor_name or str(line.actor_id)


def tell_changes(line: AuditLine) -> list[tuple[str, str, str]]:
    """Field, before, after: what differs, or everything where only one side was written."""
    before, after = _flatten(line.before), _flatten(line.after)
    lines: list[tuple[str, str, str]] = []
    for path in dict.fromkeys([*before, *after]):
        was, now = before.get(path), after.get(path)
        if before and after and was == now:
            continue
        lines.append((_tell_path(path), _tell(was), _tell(now)))
    return lines


def _flatten(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, part in value.items():
        place = (*path, key)
        if isinstance(part, dict):
            found |= _flatten(part, place)
        elif isinstance(part, list) and any(isinstance(one, dict) for one in part):
            found |= _flatten({str(number): one for number, one in enumerate(part, 1)}, place)
        else:
            found[place] = part
    return found


def _tell_path(path: tuple[str, ...]) -> str:
    return " · ".join(FIELDS.get(step, step) for step in path)


def _tell(value: Any) -> str:
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(_tell(one) for one in value)
    if isinstance(value, str):
        return ROLE_NAMES.get(value, value)
    return str(value)
