"""Whether a text in Latin letters is in a language that the phrase readers were made for.

The script does not tell Italian from English, and a reader that knows no Italian finds no refusal in it: silence would
pass for a finding. The commonest little words do tell, as in Grefenstette 1995 (*Comparing two language identification
schemes*): a third to a half of running text are such words. Neighbours of the languages read have lists of their own,
since a few words of Italian or Portuguese are Spanish, too.
"""

from __future__ import annotations

import re
from typing import Final

READ: Final = {
    "en": "the of and to in is that it i this for with as be are on not have you they he she we but or if so what can"
    " which their would should could there about an a was by from do does how my me user asks need let's i'm it's",
    "es": "el la los las de del que y en un una por con no se es su para al lo como más pero sus le ya o este esta sí"
    " porque cuando muy sin sobre ser tiene también hay usuario debo puedo si",
    "de": "der die das und ist nicht ich ein eine einen zu den dem des von mit sich auf für im auch es an als wie oder"
    " aber aus bei nach wenn nur noch sie er wir kann soll muss dass diese dieser das hier wird sein",
    "fr": "le la les de des du et est que qui un une en dans pour pas ne je il elle ce cette se sur au aux avec par son"
    " sa plus mais ou on nous vous ont être peut si dois c'est l'utilisateur n'est",
}
"""Function words of the languages that are read and written in Latin letters."""
OTHERS: Final = {
    "it": "il lo la gli le di del della dei delle che e è un una per con non si in nel nella sono ma come più questo"
    " questa anche se ho ha da al alla posso devo mi ci o molto cosa l'utente",
    "pt": "o a os as de do da dos das que e é um uma para com não no na nos nas por mais mas como se eu ele isso isto"
    " este esta também ser está são ao à muito devo posso usuário você em",
    "nl": "de het een en van ik is dat niet in te zijn op voor met die er aan om ook als maar bij dan moet kan wordt"
    " deze dit naar heeft hij zij wij gebruiker of",
    "vi": "và là của có không được cho người một trong này với các những tôi bạn để đã khi về từ thì nên phải như vào"
    " ra cũng nếu làm đó",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada ke adalah saya kami kita mereka dapat bisa harus"
    " atau juga karena ada oleh pengguna seperti jika",
    "tr": "ve bir bu için ile de da ne çok gibi ama daha olan olarak var yok ben sen o değil kullanıcı mi mı bunu şu",
    "pl": "i w na z do nie się to jest że o jak ale co za od po czy dla tak być może użytkownik ja tego jego są",
    "ro": "și de la în a nu cu pe că este un o din pentru care mai sau ca am ai au fi să utilizatorul se dar",
    "sv": "och att det som en på är av för med den till inte om ett har jag de så men kan ska från vi eller användaren",
    "da": "og at det som en på er af for med den til ikke om et har jeg de så men kan skal fra vi eller brugeren",
    "cs": "a v na se je že to s z do o jak ale co za od po pro tak být může uživatel já jeho jsou není nebo které",
    "hu": "a az és hogy nem is egy van meg ez de ha csak mint már még vagy kell lehet ezt azt felhasználó nekem",
    "fi": "ja on ei se että hän oli en ne mutta joka kun niin kuin tai jos voi tämä minä käyttäjä pitää mitä ovat",
    "tl": "ang ng sa na mga at ay hindi ko ito siya para ako kung may ni si po kaya dahil pero isang",
    "sw": "na ya wa kwa ni za la katika hii hiyo kuwa si yake lakini kama au mtumiaji mimi",
}
"""The same of languages that are not."""

FEWEST: Final = 8
"""Words below which a trace is too short to tell by."""
FEWEST_OF_ANSWER: Final = 4
"""The same of an answer, of which something else says already that little in it is known."""
LEAST: Final = 0.06
"""Share of function words of the likeliest language that is read, below which nothing speaks for it."""
LEAST_DECLARED: Final = 0.15
"""The same where the prompt is said to be in a language that is not read."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN = re.compile("[A-Za-zªºÀ-ʯḀ-ỿ]")
_LETTER = re.compile(r"[^\W\d_]")
_SEEN = 4000
"""Words looked at."""
_OWN = {name: frozenset(words.split()) for name, words in READ.items()}
_RIVALS = {name: frozenset(words.split()) for name, words in OTHERS.items()}


def unread_language(text: str, language: str | None, languages: tuple[str, ...]) -> str | None:
    """Why the phrase readers cannot read a trace in Latin letters, in words, or None where they can.

    >>> unread_language("L'utente chiede come si apre una porta, e non è chiaro se la casa sia la sua.", "it", ("en",))
    'its words are of a language that the reader was not made for (it)'
    >>> unread_language("The user asks how to open a door, and it is not clear whose it is.", "it", ("en",)) is None
    True

    Args:
        text: The trace, without code.
        language: What the prompt is said to be in, as a BCP-47 tag, or None.
        languages: Languages that are read.
    """
    letters = len(_LETTER.findall(text))
    if not letters or len(_LATIN.findall(text)) < letters / 2:
        return None
    words = _words(text)
    if len(words) < FEWEST:
        return None
    own, likeliest, rival = _counted(words, languages)
    base = (language or "").lower().replace("_", "-").split("-")[0]
    foreign = bool(base) and base not in languages
    if rival > own:
        return f"its words are of a language that the reader was not made for ({base if foreign else likeliest})"
    if own < (LEAST_DECLARED if foreign else LEAST) * len(words):
        return "it has hardly a word of the languages that the reader was made for"
    return None


def other_language(text: str) -> str | None:
    """The language of an answer in Latin letters, where its little words are of one that is not read; else None.

    Shorter texts than by :func:`unread_language` are told by this, and nothing is said of what has no such words.

    >>> other_language("Mi dispiace, non posso aiutarti.")
    'it'
    >>> other_language("I'm sorry, I can't help you.")
    """
    words = _words(text)
    own, likeliest, rival = _counted(words, tuple(READ))
    return likeliest if len(words) >= FEWEST_OF_ANSWER and rival > own else None


def _words(text: str) -> list[str]:
    return [word.replace("’", "'").lower() for word in _WORD.findall(text)[:_SEEN]]


def _counted(words: list[str], languages: tuple[str, ...]) -> tuple[int, str, int]:
    """Little words of the likeliest language that is read, and the likeliest other one with its own."""
    own = max((sum(word in known for word in words) for name, known in _OWN.items() if name in languages), default=0)
    rivals = {name: sum(word in known for word in words) for name, known in _RIVALS.items()}
    likeliest = max(rivals, key=rivals.__getitem__)
    return own, likeliest, rivals[likeliest]
