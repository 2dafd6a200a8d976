/** The address is the state: path (which page), `?user=`, `?day=` and the hash (which tab). */
class Router {
  url = $state.raw(new URL(location.href));

  constructor() {
    addEventListener("popstate", () => this.read());
    addEventListener("hashchange", () => this.read());
  }

  private read(): void {
    this.url = new URL(location.href);
  }

  get path(): string {
    return this.url.pathname.replace(/\/+$/, "") || "/";
  }

  param(name: string): string | null {
    return this.url.searchParams.get(name);
  }

  go(href: string, how: "push" | "replace" = "push"): void {
    const next = new URL(href, location.href);
    const pathChanges = next.pathname !== location.pathname;
    if (how === "push") history.pushState({ isFromHere: true }, "", next);
    else history.replaceState(history.state, "", next);
    this.read();
    if (pathChanges) scrollTo(0, 0);
  }

  /** Closes what was opened: by going back where the way in was ours, else by replacing the address. */
  leave(href: string): void {
    if ((history.state as { isFromHere?: boolean } | null)?.isFromHere) history.back();
    else this.go(href, "replace");
  }

  /** The current address with some parameters changed; null removes one. */
  hrefWith(changes: Record<string, string | null>, path?: string): string {
    const next = new URL(this.url);
    if (path !== undefined) {
      next.pathname = path;
      next.hash = "";
    }
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) next.searchParams.delete(name);
      else next.searchParams.set(name, value);
    }
    return next.pathname + next.search + next.hash;
  }

  /** Lets plain links stay links: new tabs, copy address and middle click work as ever. */
  follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-route]");
    if (!link || link.origin !== location.origin) return;
    event.preventDefault();
    this.go(link.href);
  };
}

export const router = new Router();
