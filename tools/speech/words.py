# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: SIM905
"""The words of the bank: common, short, and far enough apart for a recogniser to tell them from each other."""

ENGLISH = (
    # greetings and small talk
    "hello goodbye yes no please sorry thanks welcome "
    # numbers and colours
    "two three five orange yellow blue purple pink white black brown "
    # animals
    "cat dog bird fish horse cow sheep mouse rabbit tiger lion monkey elephant zebra bear "
    # food
    "apple banana butter coffee water sugar cheese lemon potato "
    # things and places
    "table chair window house garden flower mountain ocean star paper pencil picture number money "
    "music piano guitar ball boat bicycle train candle river "
    # people
    "baby mother father brother sister friend teacher doctor pirate "
    # times and doings
    "today tomorrow morning evening monday summer winter sleep open stop happy little silver"
).split()

MANDARIN = (
    "你好 再见 谢谢 朋友 老师 妈妈 爸爸 小猫 小狗 小鸟 苹果 香蕉 牛奶 面包 音乐 太阳 月亮 花园 学校 今天 明天 "
    "红色 蓝色 白色 飞机 火车 "
    "爷爷 老虎 蛋糕 电话 星星 大海 下雨"
).split()

# The bank that comes with the project.
MINI_ENGLISH = "hello yes no please two three blue orange cat monkey apple morning".split()
MINI_MANDARIN = "你好 朋友 苹果".split()
