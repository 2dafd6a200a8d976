import type { Locale } from "./i18n/translate";

export type Theme = "auto" | "light" | "dark";

const LOCALE_KEY = "mcraft.locale";
const THEME_KEY = "mcraft.theme";

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage refused: the choice lasts as long as the page
  }
}

function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    /* as above */
  }
}

export function chooseLocale(stored: string | null, browserLanguage: string): Locale {
  if (stored === "ja" || stored === "en") return stored;
  return /^ja\b/.test(browserLanguage) ? "ja" : "en";
}

function chooseTheme(stored: string | null): Theme {
  return stored === "light" || stored === "dark" ? stored : "auto";
}

class Preferences {
  locale = $state<Locale>(chooseLocale(remembered(LOCALE_KEY), navigator.language));
  theme = $state<Theme>(chooseTheme(remembered(THEME_KEY)));

  setLocale(locale: Locale): void {
    this.locale = locale;
    remember(LOCALE_KEY, locale);
    document.documentElement.lang = locale;
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    remember(THEME_KEY, theme === "auto" ? null : theme);
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

export const preferences = new Preferences();
