import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Fontsource offers .woff beside .woff2; every browser that runs DuckDB reads .woff2. */
const woff2Only: Plugin = {
  name: "woff2-only",
  enforce: "pre",
  transform(code, id) {
    if (!id.includes("@fontsource") || !id.endsWith(".css")) return;
    return code.replace(/,\s*url\([^)]+\.woff\)\s*format\(['"]woff['"]\)/g, "");
  },
};

const server = process.env.MCRAFT_SERVER ?? "http://127.0.0.1:3000";

export default defineConfig({
  plugins: [woff2Only, svelte()],
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
  build: {
    outDir: "../src/moderation_craft/serve/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    // The one large asset is DuckDB itself, loaded after the first figures.
    chunkSizeWarningLimit: 600,
  },
  server: { host: "127.0.0.1", proxy: { "/api": server } },
  test: { include: ["tests/**/*.test.ts"] },
});
