// The dictionary that everybody has without fetching one: phrases of everyday chat in many languages, written for this purpose,
// the commonest last, where they are cheapest to refer to. Its bytes are part of the protocol: `vectors/compression.json` has
// them, and its id must never change, since shipped clients name it. Better phrases would be another dictionary beside it.
import { type Dictionary, dictionaryOf } from "./codec.ts";

/** The phrases of a line stand behind each other with a space between; lines are joined as they are. */
const PHRASES: readonly string[] = [
  // Swahili, Turkish, Polish, Dutch, Vietnamese, Indonesian
  "asante sana habari yako karibu tutaonana kesho",
  "tamam geliyorum neredesin teşekkür ederim günaydın iyi geceler yarın görüşürüz",
  "dzień dobry dziękuję gdzie jesteś do zobaczenia jutro nie wiem dobrze już jadę",
  "goedemorgen waar ben je ik kom eraan tot straks dank je wel weet ik niet morgen",
  "cảm ơn bạn đang ở đâu được rồi mai gặp nhé không biết chúc ngủ ngon",
  "terima kasih selamat pagi sudah makan belum di mana sekarang nanti saya kabari tidak bisa sampai jumpa besok",
  // Arabic, Hindi, Korean, Japanese, Chinese, Russian
  "السلام عليكم شكرا جزيلا كيف حالك إن شاء الله أين أنت الآن صباح الخير",
  "नमस्ते कहाँ हो धन्यवाद ठीक है मैं आ रहा हूँ क्या कर रहे हो शुभ रात्रि कल मिलते हैं",
  "안녕하세요 감사합니다 지금 어디야 알겠어 내일 보자 잘 자 괜찮아요 미안해",
  "ありがとうございます おはようございます 今どこにいますか 了解です また明日 おやすみなさい すみません 大丈夫です",
  "你好 谢谢 我到了 你在哪里 好的 没问题 不知道 我马上到 明天见 晚安 一起吃饭吗 现在有时间吗 不好意思 今天晚上 哈哈哈 知道了",
  "привет как дела спасибо большое где ты сейчас хорошо не знаю скоро буду до завтра спокойной ночи давай позвоню доброе утро",
  // Italian, Portuguese, German, French, Spanish
  "ciao come stai dove sei va bene grazie mille ci vediamo domani buongiorno buonanotte non lo so arrivo subito a dopo",
  "oi tudo bem onde você está obrigado obrigada estou chegando bom dia boa noite até amanhã não sei pode ser beijos daqui a pouco",
  "guten Morgen wie geht es dir wo bist du vielen Dank bis später bis morgen ich weiß nicht alles klar ich bin gleich da kannst du mich anrufen gute Nacht schönes Wochenende",
  "bonjour ça va merci beaucoup où es-tu j'arrive tout de suite à demain bonne nuit je ne sais pas d'accord à tout à l'heure bon week-end est-ce que tu peux m'appeler",
  "hola cómo estás dónde estás gracias de nada nos vemos mañana buenos días buenas noches no sé ya voy llegando está bien qué haces te llamo luego un abrazo",
  // English, from the rare to the common
  "https://www. .com/ .jpg .pdf @gmail.com http://",
  " January February March April June July August September October November December",
  " Monday Tuesday Wednesday Thursday Friday Saturday Sunday weekend next week last week birthday Christmas holiday",
  " the doctor at the hospital my sister my brother mum and dad my friend your friend the kids at school in the office at the station on the bus on the train by car",
  " bought a ticket for the movie the concert tonight after dinner before lunch the meeting was moved to the lecture exam homework project",
  " the money the keys the phone number my address the address is the door is open the shop is closed free of charge please reply with",
  " because because I because you although however anyway actually probably definitely maybe something anything everything nothing someone everyone",
  " Happy birthday! Congratulations! Good luck! Take care! Get well soon! Have a nice day! Have fun! Welcome back! Sweet dreams! Merry Christmas! Happy new year!",
  " I'm so sorry to hear that. No worries at all. It doesn't matter. Not at all. You're welcome. My pleasure. Sounds good to me. That would be great! What a pity",
  " should have could have would have going to go going to be trying to want to be used to need to go have to be able to don't forget to remember to",
  " What time is it? What time are you coming? Where shall we meet? When will you be home? How long will it take? How much is it? Who is coming? Which one? Why not?",
  " Did you get my message? Have you eaten? Can you call me back? Could you please send me the? Do you want to? Do you know where the is? Are you there? Are you still? Is it ok if I",
  " I will be there in 10 minutes. I'll be late. I am on my way home now. I'm at home. I'm still at work. I'm in a meeting. I've just arrived. I'll call you later. I'll let you know when I",
  " I don't know. I don't think so. I don't want to. I can't come tomorrow. I didn't see it. I haven't done it yet. I think I am going to. I thought you were. I wanted to ask if you are free",
  " Let me know if you need anything. Let me know when you're free. Let me check and tell you. Let's go to the. Let's meet at",
  " See you tomorrow. See you tonight. See you soon. See you later. Talk to you later. Call me when you get home. Call me when you are free. Text me when you reach.",
  " Thank you so much for everything. Thanks a lot. Thank you very much! Good morning. Good night. Good afternoon. How are you? How was your day? What are you doing now? Where are you?",
  " yesterday today tonight tomorrow morning afternoon evening this week later already again still never always sometimes really very much too many",
  " message people about there their they're would could should where which while after before other first thing think thought know things little right left",
  " haha hahaha lol :) ;) :-) :D omg btw asap pls plz thx ok okay yep yeah yes no nope sure fine cool great nice wow hmm well done 😂 👍 ❤️ 🙏 😊 🎉 😅 😭",
  " with you with the for you for the to the to you to be of the in the on the at the and the and I and you that I that you if you if I when you when I what do you do you have you are you can you will",
  " Ok see you then. Yes I am. No I'm not. I am not sure. Are you coming? I love you. I miss you too. I was just. it is it was is it there is this is that's what's I'm I'll I've don't can't won't it's you're ...",
];

let made: Dictionary | undefined;

/** The default dictionary; SHA-256 is handed in since browsers have their own. */
export function defaultDictionary(sha256: (bytes: Uint8Array) => Uint8Array): Dictionary {
  made ??= dictionaryOf(new TextEncoder().encode(PHRASES.join("")), sha256);
  return made;
}
