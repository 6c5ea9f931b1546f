"""The PIN window, drawn with tkinter: which site asks, for what, with which card; how many tries are left. Lives in
the prompt process.
"""

import contextlib
import sys
import tkinter as tk
from tkinter import messagebox, ttk

from cardauth.agent.prompt import Question, Typed
from cardauth.agent.refusals import NoWindow

PROGRAM = "企业问题清零读卡程序"
TITLE = "读卡程序：请输入卡密码"
WRAP = 420  # pixels
RED = "#b00020"
PAD = 16


def has_screen() -> bool:
    """Whether a window can be opened here."""
    try:
        tk.Tk().destroy()
    except tk.TclError:
        return False
    return True


def ask_in_window(question: Question) -> Typed | None:
    """Raises NoWindow."""
    sharpen()
    try:
        root = tk.Tk()
    except tk.TclError as error:
        raise NoWindow(detail="no screen") from error
    window = PinWindow(root, question)
    root.mainloop()
    return window.typed


def show_message(text: str) -> None:
    """Why the program cannot start, until it is read. Raises NoWindow."""
    sharpen()
    try:
        root = tk.Tk()
    except tk.TclError as error:
        raise NoWindow(detail="no screen") from error
    root.withdraw()
    messagebox.showerror(PROGRAM, text, parent=root)
    root.destroy()


def sharpen() -> None:
    """Windows draws at the screen's own resolution only for programs that ask."""
    if sys.platform == "win32":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)


class PinWindow:
    """The window; `typed` is the answer once it is closed, None when the person gave up."""

    def __init__(self, root: tk.Tk, question: Question) -> None:
        self.root, self.question = root, question
        self.typed: Typed | None = None
        self.choice = tk.IntVar(root, 0)
        self.warning, self.fault = tk.StringVar(root), tk.StringVar(root)
        root.title(TITLE)
        root.resizable(width=False, height=False)
        self.frame = ttk.Frame(root, padding=PAD)
        self.frame.grid()
        self._draw_site()
        self._draw_cards()
        self.entry = self._draw_entry()
        self._draw_buttons()
        root.bind("<Return>", lambda _: self.confirm())
        root.bind("<Escape>", lambda _: self.give_up())
        root.protocol("WM_DELETE_WINDOW", self.give_up)
        self._choose()
        self._come_forward()

    def _draw_site(self) -> None:
        self._say("这个网站请求使用您的卡：")
        self._say(self.question.origin, bold=True)
        self._say(f"用途：{self.question.purpose_text}。不是您本人的操作，请点击“取消”。")

    def _draw_cards(self) -> None:
        choices = self.question.choices
        if len(choices) == 1:
            self._say(f"卡：{choices[0].title}")
        else:
            self._say("请选择要用的卡：")
            for number, choice in enumerate(choices):
                ttk.Radiobutton(
                    self.frame, text=choice.title, variable=self.choice, value=number, command=self._choose
                ).grid(sticky="w", padx=PAD)
        self._say(self.warning, colour=RED)

    def _draw_entry(self) -> ttk.Entry:
        self._say("卡密码（只在这个窗口中输入，网站看不到）：")
        entry = ttk.Entry(self.frame, show="●", width=24)
        entry.grid(sticky="ew", pady=(4, 0))
        self._say(self.fault, colour=RED)
        return entry

    def _draw_buttons(self) -> None:
        row = ttk.Frame(self.frame)
        row.grid(sticky="e", pady=(PAD, 0))
        ttk.Button(row, text="取消", command=self.give_up).grid(row=0, column=0, padx=(0, 8))
        ttk.Button(row, text="确定", command=self.confirm, default="active").grid(row=0, column=1)

    def _say(self, text: str | tk.StringVar, *, bold: bool = False, colour: str = "") -> None:
        label = ttk.Label(self.frame, wraplength=WRAP)
        if isinstance(text, str):
            label.configure(text=text)
        else:
            label.configure(textvariable=text)
        if bold:
            label.configure(font=("TkDefaultFont", 13, "bold"))
        if colour:
            label.configure(foreground=colour)
        label.grid(sticky="w", pady=(4, 0))
        if not isinstance(text, str):
            text.trace_add("write", lambda *_: label.grid() if text.get() else label.grid_remove())

    def _choose(self) -> None:
        self.warning.set(self.question.choices[self.choice.get()].warning)
        self.fault.set("")
        self.entry.focus_set()

    def _come_forward(self) -> None:
        """Before the browser, in the middle of the screen."""
        self.root.update_idletasks()
        left = (self.root.winfo_screenwidth() - self.root.winfo_reqwidth()) // 2
        top = (self.root.winfo_screenheight() - self.root.winfo_reqheight()) // 3
        self.root.geometry(f"+{max(left, 0)}+{max(top, 0)}")
        self.root.attributes("-topmost", True)
        self.root.lift()
        self.entry.focus_force()

    def confirm(self) -> None:
        """Close with the PIN, unless it cannot be one."""
        number, pin = self.choice.get(), self.entry.get()
        if fault := self.question.choices[number].find_fault(pin):
            self.fault.set(fault)
            self.entry.focus_set()
            return
        self.typed = Typed(number, pin)
        self.root.destroy()

    def give_up(self) -> None:
        """Close without."""
        self.root.destroy()
