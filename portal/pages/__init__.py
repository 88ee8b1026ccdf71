"""Pages for people: what a customer sees of an account, and settles, in a browser.

A page asks the functions that answer the interface, and shows what their forms say; it reckons
with no money and has no rule of its own about who may see what. Every page works without scripts.

Owns: a row of the table of pages (`page`) and the `table`, what stands between a request and its
page (`gate`), what a page is made of (`visit`), what a browser sends (`forms`, `cookies`) and what
it is told to refuse (`security`), what people read who cannot have a page (`problems`), making HTML
(`rendering`) with the `words` of people, the files that pages load (`static_files`), the
`application` that serves all of it beside the interface, and what pages say: `customers`,
`automatic`, `staff`.
Does not own: answers (`api`), whose a session is (`access`).
"""
