/** What a person is told when something stands in the way, in both languages. */

export type Language = "en" | "ja";

export interface Problem {
  /** One of the pipeline's codes, E001 … E011. */
  code: string;
  message: string;
  /** The next step. */
  remedy: string;
}

type Words = (server: string, detail: string) => { code: string; en: [string, string]; ja: [string, string] };

const TEXTS = {
  unreachable: (server) => ({
    code: "E006",
    en: [`${server} does not answer.`, "start it with `mcraft serve`; the changes are kept and sent then."],
    ja: [`${server} が応答しません。`, "`mcraft serve` で起動してください。変更は保たれ、その後に送られます。"],
  }),
  slow: (server) => ({
    code: "E008",
    en: [`${server} gave no answer in time.`, "nothing to do: the same chunk is sent again."],
    ja: [`${server} の応答が時間内に届きません。`, "操作は不要です。同じ内容をもう一度送ります。"],
  }),
  originRefused: (server, origin) => ({
    code: "E001",
    en: [`${server} takes nothing from pages of ${origin}.`, `add "${origin}" to ingest.allowed_origins and restart it.`],
    ja: [
      `${server} は ${origin} のページからの送信を受け付けません。`,
      `設定 ingest.allowed_origins に "${origin}" を加えて再起動してください。`,
    ],
  }),
  otherServer: (server, detail) => ({
    code: "E006",
    en: [`What answers at ${server} is not the pipeline (${detail}).`, "check the address given to startSync."],
    ja: [`${server} で応答しているのはパイプラインではありません(${detail})。`, "startSync のアドレスを確かめてください。"],
  }),
  unsupported: (_, detail) => ({
    code: "E011",
    en: [`This browser or page lacks ${detail}.`, "open the app over https or on localhost, in a current browser."],
    ja: [`このブラウザまたはページでは ${detail} が使えません。`, "https か localhost で、最新のブラウザで開いてください。"],
  }),
  storageFull: (_, detail) => ({
    code: "E009",
    en: [`The browser's storage is full (${detail}).`, "free some space; nothing of the app's data is touched."],
    ja: [`ブラウザの保存領域が足りません(${detail})。`, "空きを作ってください。アプリのデータには触れていません。"],
  }),
  unexpected: (_, detail) => ({
    code: "E000",
    en: [`The browser's database failed: ${detail}`, "it is tried again; tell the pipeline's makers if it stays."],
    ja: [`ブラウザのデータベースでエラーが起きました: ${detail}`, "後でもう一度試します。続く場合は開発者に知らせてください。"],
  }),
} satisfies Record<string, Words>;

export type Trouble = keyof typeof TEXTS;

export function problemOf(trouble: Trouble, language: Language, server: string, detail = ""): Problem {
  const words: ReturnType<Words> = TEXTS[trouble](server, detail);
  const [message, remedy] = words[language];
  return { code: words.code, message, remedy };
}
