"""What the made-up people write, in Japanese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moderation_craft.demo.personas import Language

_Words = Mapping[Language, Sequence[str]]

GOOD_NOTES: _Words = {
    "ja": (
        "線がすっと決まった。今日は迷いがない ✨",
        "朝から集中できた。音楽なしのほうがよさそう",
        "思ったより進んだ!🎉 次の章もこの調子で",
        "散歩のあと、頭がすっきりした 🌿",
        "構図の悩みが解けた。寝かせておいて正解",
    ),
    "en": (
        "Words came easily today ✨",
        "Deep focus after the walk 🌿 keep mornings free",
        "Finished more than planned 🎉",
        "Solved the knot in the middle section. Sleeping on it helped.",
        "Quiet house, long stretch, happy with it",
    ),
}
PLAIN_NOTES: _Words = {
    "ja": (
        "ふつう。淡々と進める",
        "下描きの続き",
        "資料集めと整理",
        "メール返信が多かった 📮",
        "昼すぎに少し眠い",
    ),
    "en": (
        "Steady.",
        "Second pass, nothing special",
        "Research and tidying up",
        "Too much e-mail 📮",
        "Slow after lunch",
    ),
}
BAD_NOTES: _Words = {
    "ja": ("眠くて進まない 😪", "直しても直しても違う…", "気が散る。通知を切ること", "寝不足。早く寝る 🛌"),
    "en": (
        "Tired, nothing sticks 😪",
        "Rewrote the same page three times",
        "Kept checking the phone",
        "Bed early tonight 🛌",
    ),
}
DOPAMINE: _Words = {
    "ja": (
        "SNSを20分見てしまった 📱",
        "新しい画材を注文した",
        "感想が届いた 💌",
        "ゲームを一試合",
        "甘いもの休憩 🍮",
    ),
    "en": (
        "Scrolled for 20 minutes 📱",
        "Bought a new notebook",
        "A reader wrote back 💌",
        "One round of chess online",
        "Cake break 🍰",
    ),
}
TASKS: _Words = {
    "ja": (
        "ラフを3案",
        "線画",
        "色決め",
        "背景の描き込み",
        "資料を読む",
        "打ち合わせの準備",
        "修正対応",
        "書き出しと納品",
        "見直し",
    ),
    "en": (
        "Outline",
        "First draft",
        "Second draft",
        "Read the sources",
        "Prepare the call",
        "Corrections",
        "Export and send",
        "Review",
        "Notes from feedback",
    ),
}
STAGES: _Words = {
    "ja": ("企画", "制作", "仕上げ"),
    "en": ("Planning", "Making", "Finishing"),
}
CATEGORIES: _Words = {"ja": ("企画", "制作", "事務"), "en": ("planning", "making", "office")}
EMERGENCY: _Words = {
    "ja": ("急ぎの差し替え", "取引先から電話"),
    "en": ("Urgent replacement", "Call from the publisher"),
}
MEMO: Mapping[Language, str] = {
    "ja": (
        "# 今週の予定 🗓\n\n- [ ] {task}を終える\n- [ ] 運動を2回\n- 水曜は打ち合わせ\n\n"
        "> 無理をしない。**眠りを先に**。\n"
    ),
    "en": (
        "# This week 🗓\n\n- [ ] finish: {task}\n- [ ] two runs\n- call on Wednesday\n\n"
        "> Easy does it. **Sleep first.**\n"
    ),
}


def note_for(level: float, language: Language, pick: float) -> str:
    """A note that fits a level of 1–9; `pick` in [0, 1) chooses among those that fit."""
    notes = GOOD_NOTES if level >= 6.5 else BAD_NOTES if level < 4 else PLAIN_NOTES
    fitting = notes[language]
    return fitting[int(pick * len(fitting))]
