"""Harmless words that the lists of [`right_hf.safety`] hold, or that contain a listed word."""

from __future__ import annotations

#: Listed terms that are no insult and no obscenity by themselves, by the reason why they may be suggested.
_LISTED = {
    # Faith, and signs of it.
    "faith": """
        christ; god; hadji; haji; hajji; jesus; jesus christ; suastika; svastika; swastika
    """,
    # Mild words that newspapers print.
    "mild": """
        bastardo; bloody; bugger; bum; butt; crap; dammit; damn; doggin; dogging; dumb; fart; farted; farting;
        farty; feck; fool; god damn; goddam; goddamn; goddamned; goodpoop; hell; jerk; lmfao; nsfw; pissed;
        poo; poop; pron; shi; sht; sob; suck; sucker; sucks; turd
    """,
    # Bodies, medicine and sexual health.
    "health": """
        anus; bbw; boob; boobie; boobs; breasts; cialis; clitoris; ejaculate; ejaculated; ejaculates;
        ejaculating; ejaculation; emetophilia; eunuch; fecal; genitals; intercourse; labia;
        masochist; masochism; masturbate; masturbating; masturbation; necrophilia; nipple;
        nipples; nymphomania; nymphomaniac; orgasm; orgasmic; orgasms; paedophilia; pedophilia; penis; pubes;
        rectum;
        sadism; sadist; scrotum; semen; sex; sexo; sexual; sexuality; sexually; sexy; testical; testicle; vag;
        vagina; viagra; vibrator; voyeur; vulva
    """,
    # What news report of, and history.
    "news": """
        bestiality; date rape; escort; grope; howtomurder; incest; nazi; neonazi; onlyfans; paedophile;
        pedophile; playboy; pornographic; pornography; rape; raping; rapist; sodomy; strip club
    """,
    # What people call themselves.
    "identity": """
        bicon; cishet; enby; gaysian; gringo; guido; homoerotic; pansy; ruski; transbian; twinkie
    """,
    # People, places, bands, films, shops and dishes have these names.
    "names": """
        babeland; barenaked; beanery; bellesa; boner; chinc; cipa; cok; cooter; cox; cummer;
        dike; dipsea; dookie; fanny; flamer; fook; gaydo; gaylord; gooch; hermie; hoar; hoare; hore; kock;
        kum; kummer; lolita; meatspin; nob; octopussy; pis; pises; pisin; pising; pollock;
        ponyboy; punta; santorum; shota; skeet; tainted love; teets; teez; tushy; wang;
        willies; willy
    """,
    # Everyday things, and words of the lists that mean nothing bad alone.
    "everyday": """
        13点; a55; balls; bareback; camel toe; collared; collaring; cornhole; dink; dinks;
        domination; duche; ecchi; erotic; erotica; erotism; fingered; fingering; flange; guro; hardcore;
        heshe; hoe; kinky; knob; knobbing; knobs; lust; lusting; muff; mutha; muther; nude; nudity;
        panties; panty; pawn; pecker; renob; scat; screwing; shag; shagger; shaggin; shagging; smut;
        snatch; snowballer; snowballing; sod off; sodding; spastic colon; spunk; swinger; switch hitter;
        tied up; topless; undressing; yaoi
    """,
    # Chinese words of medicine, zodiac, family, technology and daily life, and mild ones.
    "zh": """
        成人; 激情; 月经; 精子; 卵子; 乳房; 乳头; 包皮; 外阴; 阴道; 阴茎; 阴部; 性器; 性交; 性爱; 性无能; 阳萎;
        射精; 处女; 交配; 刚度; 后庭; 花柳; 祖宗; 私服; 九游; 老二; 屁股; 打飞机; 妈妈的; 吹箫; 情色; 强奸;
        卖淫; 嫖娼; 轮奸; 妓院; 密洞; 粉腸; 迷药; 笨蛋; 白痴; 靠背; 靠北; 靠腰; 靠母; 靠爸; 你全家; 你妈;
        你奶奶; 老母; 他妈; 野鸡; 肥西; 三级片; 口肯; 你老闆; 鬼公; 撒尿; 小肉粒; 扒光; 龟头; 妓女;
        十三点; 放荡; 奸你
    """,
}

#: Longer words and phrases of which a part is a listed term.
_LONGER = {
    # Places.
    "places": """
        chincoteague; cumming georgia; lifshitz; livshits; montenegro; penistone; punta cana; rio negro;
        scunthorpe
    """,
    # Persons.
    "people": """
        alan cumming; andy dick; ashitaka; craghead; cummings; dacunto; dejesus; dick cheney; dick clark;
        dick turpin; dick van dyke; ensminger; glasscock; iwashita; kashita; kike hernandez; kinoshita; krauth;
        matsushita; mcswiggan; miyashita; moby dick; morishita; morishito; mutharika; negron; nishitani;
        oshita; peniston; philip k dick; pissarra; pissarro; prickett; rushiti; ruskin; schinkel; slutsky;
        takeshita; van dyke; wiggan; wigger; yamashita
    """,
    # Words and idioms.
    "words": """
        ailurophile; anal cancer; anal fissure; ass backwards; bad ass; badass; blue tit; brimming;
        chink in the armor; chink in the armour; chinkapin; chinking; coal tit; cock a doodle doo;
        cock a leekie; cock robin; cum laude; cushite; cushitic; dolcetto; dumbass; dyke march; dykes on bikes;
        epispastic; glasshole; grasshopper; great tit; homo sapiens; honky tonk; honkytonk; jackass; kick ass;
        kickass; lesbos; long tailed tit; maine coon; mishit; mishitting; negroamaro; negroni; niggard;
        nipissing; pack ass; peshitta; pinprick; pissoir; pricket; pricking; prickl; push it; pussy cat;
        pussy riot; pussy willow; pussycat; pussyfoot; retardant; retarder; retarding; sauerkraut; scumming;
        skanking; smart ass; snigger; sourpuss; spasticity; spick and span; swanker; tit for tat; trimming;
        twinkl; vagabondage; wild ass; winegrower; xxx olympics
    """,
    # Pictures that show something off, and news.
    "pictures": """
        art porn; beard porn; beer porn; bike porn; book porn; burger porn; cabin porn; car porn; cheese porn;
        child porn; cloud porn; coffee porn; data porn; design porn; earth porn; food porn; house porn;
        map porn; nail porn; nature porn; plant porn; poverty porn; revenge porn; ruin porn; shelf porn;
        shoe porn; sky porn; space porn; train porn; travel porn; truck porn; watch porn; wine porn; word porn
    """,
    # Chinese words, and where two words meet.
    "zh": """
        你妈妈; 她妈妈; 他妈妈; 他妈咪; 体操; 早操; 做操; 广播操; 情操; 节操; 杂种优势; 鸡鸡喈喈; 放荡不羁
    """,
}


def _split(groups: dict[str, str]) -> tuple[str, ...]:
    return tuple(word.strip() for group in groups.values() for word in group.split(";"))


#: All of them: terms that do not count, and words within which a term does not count.
HARMLESS = _split(_LISTED) + _split(_LONGER)
