"""Chinese surnames: those read differently than the character elsewhere, and those of two characters."""

from typing import Final

# Only where the reading is not the one that a dictionary gives first.
_READINGS: Final = """
曾:zeng 单:shan 單:shan 仇:qiu 解:xie 查:zha 区:ou 區:ou 尉遲:yu-chi 召:shao 朴:piao 盖:ge 折:she 洗:xian
乐:yue 员:yun 貟:yun 黑:he 秘:bi 祕:bi 种:chong 繁:po 翟:zhai 缪:miao 繆:miao 隗:wei 郇:xun 阚:kan 乜:nie
六:lu 能:nai 都:du 会:gui 覃:qin 佴:nai 牟:mu 角:jue 卜:bu 薄:bo 祭:zhai 藏:zang 乐正:yue-zheng 粘:nian
适:kuo
"""

_COMPOUND: Final = """
万俟 上官 东方 东郭 乐正 令狐 公冶 公孙 公孫 公羊 单于 南宫 南宮 叶赫 司徒 司空 司馬 司马 呼延 單于
壤驷 夏侯 太史 子车 宇文 完顏 完颜 宗政 尉迟 尉遲 左丘 慕容 拓拔 拓跋 東方 東郭 梁丘 欧阳 歐陽 淳于
澹台 濮阳 濮陽 爱新 独孤 獨孤 申屠 百里 皇甫 端木 第五 納蘭 纳兰 聞人 西門 西门 諸葛 诸葛 谷梁 赫连
赫連 軒轅 轩辕 那拉 鍾離 钟离 長孫 长孙 闻人 闾丘 鮮于 鲜于
"""

# Surname -> its reading as a surname, syllable by syllable.
SURNAME_READINGS: Final = {
    surname: tuple(reading.split("-")) for surname, reading in (pair.split(":") for pair in _READINGS.split())
}
COMPOUND_SURNAMES: Final = frozenset(_COMPOUND.split())
