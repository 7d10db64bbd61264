import { defineConfig } from "vite";

/**
 * One HTML file per page, all built into `dist/`, their scripts and styles into `dist/assets/`.
 *
 * `dist` is committed and compared with a fresh build, so nothing here may depend on the machine, the
 * time or the folder. Nothing is put inline: the server's Content-Security-Policy allows `'self'` only.
 */
export default defineConfig({
  base: "/",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: { input: { viewer: "index.html" } },
  },
});
