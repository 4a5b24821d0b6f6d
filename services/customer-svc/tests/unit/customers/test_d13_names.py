"""D13: who is found by what. Names and spellings as people write them, none made by the code under test."""

import re
from collections.abc import Sequence

import pytest
from customer_svc.customers.names import MOST_ALTERNATIVES, fold, name_terms, query_terms
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, lazy_pinyin


def is_found(name: str, query: str) -> bool:
    """As the database answers: every word by one of its alternatives, all of whose terms the name has."""
    terms, words = set(name_terms(name)), query_terms(query)
    return bool(words) and all(any(terms.issuperset(alternative) for alternative in alternatives) for alternatives in words)


FOUND = [
    # punctuation and width
    ("腾讯科技(深圳)有限公司", ("腾讯科技（深圳）有限公司", "腾讯科技深圳", "深圳", "有限公司", "txkj", "tengxun")),
    ("百胜（中国）投资有限公司", ("百胜（中国）投资有限公司", "百胜(中国)投资有限公司", "百胜中国", "bszg")),
    ("ＡＢＣ贸易有限公司", ("abc", "ＡＢＣ", "ABC贸易", "abc 贸易", "贸易")),
    ("3M中国有限公司", ("3m", "3M中国", "３Ｍ")),
    # all middle dots alike, and none
    *(
        (
            f"努尔{dot}买买提{dot}艾则孜",
            ("努尔·买买提·艾则孜", "努尔•买买提•艾则孜", "努尔・买买提", "努尔.买买提", "努尔买买提", "买买提", "nemmt"),
        )
        for dot in "·•・‧∙.．"
    ),
    # traditional and simplified
    ("陳大文", ("陈大文", "陳大文", "大文", "陈", "chendawen", "cdw")),
    ("鍾麗緹", ("钟丽缇", "锺丽缇", "鍾麗緹")),
    ("万里龙", ("萬里龍", "万里龍", "wanlilong")),
    # ü as people type it
    ("吕布", ("lv", "lu", "lyu", "lü", "LÜ BU", "lvbu", "lyubu", "lubu", "lb")),
    ("聂绿", ("nielv", "nielu", "nielyu", "nl")),
    # pinyin: whole, of a part, with spaces, in capitals, initials, mixed, unfinished
    (
        "李晓明",
        ("li", "l", "lixiaoming", "xiaoming", "li xiaoming", "LI XIAOMING", "xiaoming li", "xiao ming", "lxm", "xm", "lixm", "李xm",
         "李xiaoming", "李晓m", "lxiaoming", "lixiaom", "lix", "晓明", "明", "li'xiaoming"),
    ),
    ("李明", ("LI MING", "liming", "lm", "Li, Ming")),
    ("葛优", ("ge you", "geyou", "GE YOU", "gy")),
    ("欧阳娜娜", ("ouyang nana", "ouyangnana", "nana", "oynn", "欧阳", "ouyang娜娜")),
    ("中国银行重庆分行", ("zgyhcqfh", "zhongguoyinhang", "chongqing", "zhongqing", "重庆分行", "zhgyh", "中国yh", "yinhangchongqing")),
    ("西安", ("xian", "xi'an", "xi an", "xa")),
    ("方案", ("fangan", "fang'an")),
    # every reading of a character
    ("曾国藩", ("zengguofan", "cengguofan", "zgf", "cgf")),
    ("单田芳", ("shantianfang", "dantianfang")),
    ("任盈盈", ("renyingying", "ryy")),
    ("朴树", ("piaoshu", "pushu")),
    ("尉迟恭", ("yuchigong", "weichigong")),
    ("乐嘉", ("lejia", "yuejia")),
    # other scripts
    ("José García Márquez", ("jose", "JOSÉ", "garcia", "márquez", "marquez jose", "josé garc")),
    ("Jürgen Müller", ("muller", "mueller", "müller", "jurgen", "juergen", "Müller Jürgen")),
    ("Søren Kierkegård", ("soren", "soeren", "kierkegard", "kierkegaard")),
    ("Łukasz Żak", ("lukasz zak", "łukasz", "zak")),
    ("Straße AG", ("strasse", "straße")),
    ("Sean O'Brien", ("obrien", "o'brien", "o’brien", "o brien", "brien", "sean obrien")),
    ("Jean-Paul Sartre", ("jean-paul", "jeanpaul", "jean paul", "paul", "sartre jean", "jeanpaulsartre")),
    ("J.P. Morgan Chase", ("jp morgan", "j.p. morgan", "jpmorgan", "morgan")),
    ("Владимир Путилов", ("владимир", "ВЛАДИМИР", "путил")),
    ("أحمد", ("أحمد", "احمد")),
    ("山田 太郎", ("山田太郎", "山田", "太郎", "田太")),
    ("さくら銀行", ("さくら", "銀行", "银行", "くら")),
    ("김철수", ("김철수", "철수")),
    ("𠮷野家", ("𠮷野", "野家", "𠮷")),
    ("㛃妤", ("㛃妤", "妤", "㛃")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "query"), [(name, query) for name, queries in FOUND for query in (name, *queries)])
def test_d13_found(name: str, query: str) -> None:
    assert is_found(name, query)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("李晓明", "王"), ("李晓明", "wang"), ("李晓明", "mingxiao"), ("李晓明", "明晓"), ("李晓明", "李明"), ("李晓明", "liming"),
        ("李晓明", "xmli"), ("李晓明", "lixiaomingg"), ("李晓明", "iaoming"), ("李晓明", "i"),
        ("王伟", "李"), ("中国银行", "zgyhh"), ("José García", "garcía lopez"), ("Jean-Paul", "ean"), ("Müller", "miller"),
        ("吕布", "li"), ("陳大文", "陈小文"), ("ABC贸易", "bc"),
    ],
)  # fmt: skip
def test_d13_not_found(name: str, query: str) -> None:
    assert not is_found(name, query)


@pytest.mark.parametrize("nothing", [" ", "　", "·", "()", "（）", "-", "…", "' '", "\u00a0"])
def test_d13_what_no_name_is_made_of_asks_for_nothing(nothing: str) -> None:
    assert query_terms(nothing) == []


SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈姜崔钟谭陆"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰玉重行长乐还朝藏觉调曲女绿略虐旅率"
names = st.builds(
    lambda surname, given: surname + "".join(given),
    st.sampled_from(SURNAMES),
    st.lists(st.sampled_from(GIVEN), min_size=1, max_size=3),
)


@given(names)
def test_d13_a_name_is_found_by_every_part_of_itself(name: str) -> None:
    parts = [name[begin:end] for begin in range(len(name)) for end in range(begin + 1, len(name) + 1)]
    assert [part for part in parts if not is_found(name, part)] == []


def spellings(name: str) -> Sequence[str]:
    """As a dictionary of phrases spells it: joined, with spaces, in capitals, by initials, and mixed with characters."""
    syllables = [syllable.replace("ü", "v") for syllable in lazy_pinyin(name, style=Style.NORMAL, v_to_u=True)]
    mixed = [
        *(name[:cut] + "".join(syllables[cut:]) for cut in range(len(name))),
        *("".join(syllables[:cut]) + name[cut:] for cut in range(len(name))),
    ]
    initials = "".join(syllable[0] for syllable in syllables)
    return ["".join(syllables), " ".join(syllables), "".join(syllables).upper(), initials, name[0] + initials[1:], *mixed]


@given(names)
def test_d13_a_name_is_found_by_its_usual_spellings(name: str) -> None:
    assert [spelling for spelling in spellings(name) if not is_found(name, spelling)] == []


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn"]), min_size=1, max_size=40))
def test_d13_whatever_was_stored_is_found_by_itself(name: str) -> None:
    assert is_found(name, name) or query_terms(name) == []


@given(st.text(max_size=30))
def test_d13_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_d13_what_is_typed_asks_for_little_however_it_is_meant() -> None:
    """The longest query that is taken, of the most ambiguous letters and of many changes of script."""
    for query in ("a" * 60, "xian" * 15, "李a" * 30, "李xian" * 12, "n g " * 15, "zhongguo" * 7):
        words = query_terms(query)
        assert sum(len(alternatives) for alternatives in words) <= 30 * (MOST_ALTERNATIVES + 1)
        assert all(len(alternatives) <= MOST_ALTERNATIVES + 1 for alternatives in words)


def test_d13_a_long_name_has_some_hundred_terms() -> None:
    assert len(name_terms("中国银行股份有限公司重庆分行")) < 1_000
    assert all(re.fullmatch(r"\S{1,81}", term) for term in name_terms("Zhongguo " * 12))
