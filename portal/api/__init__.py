"""The interface over HTTP, version 1.

Owns: what an answer is made of (`request`), how it is sent (`sending`) and refused (`problems`),
who calls (`callers`), what stands between a request and its answer (`gate`), with what is checked
for pages too (`checks`), the table of routes (`route`, `routes`, `view_routes`, `staff_routes`),
the `application` that serves it, its description for programs (`openapi`, `form_schemas`), the
forms of answers (`models`), and what they say, by subject: `customers`, `plans`, `automatic`,
`services`, `staff`, `house`, `opening`, `activity`.
Does not own: whose a key is (`access`), what is true of an account (`aggregator.reports`).
"""
