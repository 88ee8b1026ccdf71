"""Write the schemas: `python -m wire_format.schema`."""

from wire_format.schema import SCHEMA_DIR, schemas

for name, text in schemas().items():
    (SCHEMA_DIR / name).write_text(text)
