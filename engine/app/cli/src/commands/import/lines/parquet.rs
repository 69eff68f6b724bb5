//! People in a Parquet file (<https://parquet.apache.org/docs/file-format/>), read page by page without Arrow.

use anyhow::{Context as _, ensure};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::{Line, Lines};
use crate::commands::import::columns::Header;
use crate::progress::{COUNT, progress};

impl Lines {
    pub(super) fn each_parquet(
        &self,
        doing: &'static str,
        mut visit: impl FnMut(Line<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let name = self.path.display();
        let reader = SerializedFileReader::new(self.open()?).with_context(|| format!("{name}"))?;
        let metadata = reader.metadata().file_metadata();
        let schema = metadata.schema_descr();
        ensure!(
            schema.columns().iter().all(|column| column.path().parts().len() == 1),
            "{name} has nested columns, and only flat columns are supported"
        );
        let names = schema.columns().iter().map(|column| column.name());
        let header = Header::read(names, &self.ignored).with_context(|| format!("{name}"))?;
        let bar = progress(u64::try_from(metadata.num_rows()).unwrap_or(0), doing, COUNT);
        let rows = reader.get_row_iter(None).with_context(|| format!("{name}"))?;
        for (number, row) in (1..).zip(rows) {
            let row = row.with_context(|| format!("{name}, row {number}"))?;
            let texts: Result<Vec<_>, _> = row.get_column_iter().map(|(_, field)| text(field)).collect();
            visit((
                number,
                match &texts {
                    Ok(texts) => Ok(header.sort(texts.iter().map(String::as_str))),
                    Err(cause) => Err(cause.clone()),
                },
            ))?;
            bar.set_position(number);
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// A field as a CSV file would have it.
fn text(field: &Field) -> Result<String, String> {
    Ok(match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).map_err(|_| "not UTF-8")?,
        Field::Byte(number) => number.to_string(),
        Field::Short(number) => number.to_string(),
        Field::Int(number) => number.to_string(),
        Field::Long(number) => number.to_string(),
        Field::UByte(number) => number.to_string(),
        Field::UShort(number) => number.to_string(),
        Field::UInt(number) => number.to_string(),
        Field::ULong(number) => number.to_string(),
        Field::Date(days) => (i64::from(*days) * 86_400).to_string(),
        Field::TimestampMillis(millis) => millis.div_euclid(1000).to_string(),
        Field::TimestampMicros(micros) => micros.div_euclid(1_000_000).to_string(),
        _ => return Err("a field is not text, a number or a time".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::commands::import::columns::Column;

    #[test]
    fn what_parquet_calls_a_date_or_a_time_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.parquet");
        let schema = "message people { required binary name (UTF8); required binary id_number (UTF8); \
                      optional binary colour (UTF8); optional int32 valid_until (DATE); \
                      optional int64 test_at (TIMESTAMP_MILLIS); optional int32 doses; }";
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut file = SerializedFileWriter::new(
            File::create(&path).unwrap(),
            Arc::new(parse_message_type(schema).unwrap()),
            Arc::new(properties),
        )
        .unwrap();
        let mut group = file.next_row_group().unwrap();
        let texts = |texts: [&str; 2]| texts.map(|text| ByteArray::from(text.as_bytes().to_vec()));
        for values in [texts(["Li", "Wang"]), texts(["P:1", "P:2"])] {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        }
        let (first, here) = ([ByteArray::from("red")], [1, 0]);
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&first, Some(&here), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[20_778], Some(&here), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[1_795_248_000_123], Some(&here), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[3], Some(&here), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        file.close().unwrap();

        let mut seen = Vec::new();
        let visit = |(number, fields): Line<'_>| {
            let fields = fields.unwrap();
            let of = |column: Column| fields[column as usize].to_owned();
            seen.push((
                number,
                of(Column::IdNumber),
                of(Column::ValidUntil),
                of(Column::TestAt),
                of(Column::Doses),
            ));
            Ok(())
        };
        Lines::new(&path, &[]).each("reading", visit).unwrap();
        let line = |number, texts: [&str; 4]| {
            let [a, b, c, d] = texts.map(str::to_owned);
            (number, a, b, c, d)
        };
        assert_eq!(seen, [line(1, ["P:1", "1795219200", "1795248000", "3"]), line(2, ["P:2", "", "", ""])]);
    }
}
