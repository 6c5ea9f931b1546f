"""The channels there are, in the order in which a person is tried, and the topics that people switch on and off."""

WECHAT, SMS, MAIL = "wechat", "sms", "mail"
CHANNELS = (WECHAT, SMS, MAIL)

WORK, PROGRESS, REMINDER, ACCOUNT = "work", "progress", "reminder", "account"
TOPICS = (WORK, PROGRESS, REMINDER, ACCOUNT)
CHOSEN_TOPICS = (WORK, PROGRESS, REMINDER)
"""Those a person may switch off; what concerns somebody's account reaches them always, at any hour."""

CHANNEL_NAMES = {WECHAT: "微信", SMS: "短信", MAIL: "邮件"}
TOPIC_NAMES = {WORK: "等我办理的事", PROGRESS: "办理进展", REMINDER: "时限提醒", ACCOUNT: "账号安全"}
