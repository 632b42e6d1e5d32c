//! The one style sheet, in the page itself: a phone that stands in this network can load nothing else.

pub(super) const PARTS: usize = 2;

/// In parts that a connection's buffer holds. Colours and sizes are those of the web app.
pub(super) const STYLE: [&str; PARTS] = [
    ":root{--bg:#050505;--glow:rgba(255,107,53,.14);--fg:#f4f4f4;--dim:rgba(255,255,255,.66);--line:rgba(255,255,255,.14);\
     --panel:rgba(26,26,26,.6);--act:#ff6b35;--on:#050505;--ok:#00d26a;--bad:#ff3860;--link:#4da3ff}\
     @media(prefers-color-scheme:light){:root{--bg:#f6f5f2;--glow:rgba(217,72,15,.08);--fg:#171614;--dim:rgba(0,0,0,.66);\
     --line:rgba(0,0,0,.18);--panel:rgba(255,255,255,.7);--act:#d9480f;--on:#fff;--ok:#00703a;--bad:#c4002f;--link:#0b62c4}}\
     *{box-sizing:border-box}\
     body{margin:0;min-height:100vh;background:radial-gradient(60vw 40vh at 0 100%,var(--glow),transparent),\
     radial-gradient(60vw 40vh at 100% 100%,var(--glow),transparent),var(--bg);color:var(--fg);\
     font:15px/1.5 Inter,system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif;font-variant-numeric:tabular-nums}\
     header{display:flex;justify-content:space-between;padding:16px;max-width:480px;margin:auto;color:var(--dim)}\
     header b{color:var(--fg);letter-spacing:-.01em}",
    "main{max-width:480px;margin:auto;padding:8px 16px 32px}h1{font-size:24px;line-height:1.2;margin:8px 0 20px}\
     p{margin:0 0 16px}.s,small{font-size:13px;color:var(--dim)}.big{font-size:40px;line-height:1.1;font-weight:600;\
     letter-spacing:-.02em;overflow-wrap:anywhere;margin:0 0 12px}.ok{color:var(--ok)}.bad{color:var(--bad)}\
     fieldset,ul,dl{border:1px solid var(--line);border-radius:12px;background:var(--panel);margin:0 0 16px;padding:4px 16px 16px}\
     legend,label[for],dt{font-size:11px;letter-spacing:.08em;text-transform:uppercase;color:var(--dim)}\
     legend{padding:0 4px}label[for]{display:block;margin:16px 0 4px}\
     input:not([type=radio]){width:100%;height:48px;padding:0 12px;font:inherit;font-size:16px;color:var(--fg);\
     background:var(--bg);border:1px solid var(--line);border-radius:8px}::placeholder{color:var(--dim);opacity:1}\
     .n{display:flex;align-items:center;gap:12px;min-height:48px;padding:4px 0;border-bottom:1px solid var(--line)}\
     .n span{flex:1;overflow-wrap:anywhere}.n input{width:20px;height:20px;accent-color:var(--act)}\
     button,.go{display:block;width:100%;min-height:56px;border:0;border-radius:12px;background:var(--act);color:var(--on);\
     font:inherit;font-size:18px;font-weight:600;line-height:56px;text-align:center;text-decoration:none}form button{position:sticky;bottom:12px}\
     :focus-visible{outline:3px solid var(--link);outline-offset:2px}a{color:var(--link)}a.go{color:var(--on)}\
     nav{display:flex;gap:8px;margin:16px -8px 0}nav a{padding:12px 8px;min-height:48px}\
     ul{list-style:none;padding:0 16px}li{padding:4px 0 12px;border-bottom:1px solid var(--line)}li:last-child{border:0}\
     li a,li b{display:block;font-weight:600;padding-top:12px;min-height:44px}li small{display:block;margin-top:-8px}dl{padding:12px 16px}dd{margin:0 0 12px;font-size:18px}",
];
