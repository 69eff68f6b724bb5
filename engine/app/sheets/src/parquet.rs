//! Parquet files (<https://parquet.apache.org/docs/file-format/>), read page by page without Arrow.

use std::fs::File;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parquet::basic::LogicalType;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::{Cells, Come, Unit, Watch};
use crate::fault::CellFault;

/// Shows every row, the names of the columns as row 0.
pub(super) fn each(
    file: File,
    watch: Watch<'_>,
    row: &mut impl FnMut(u64, Cells<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let reader = SerializedFileReader::new(file).context("it is not a Parquet file")?;
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.schema_descr();
    ensure!(
        schema.columns().iter().all(|column| column.path().parts().len() == 1),
        "it has nested columns, and only flat columns are supported"
    );
    let names: Vec<_> = schema.columns().iter().map(|column| Ok(column.name())).collect();
    row(0, &names)?;
    // A time without a zone, as on a clock somewhere.
    let is_civil: Vec<_> = schema
        .columns()
        .iter()
        .map(|column| match column.logical_type_ref() {
            Some(LogicalType::Timestamp(time)) => !time.is_adjusted_to_u_t_c,
            _ => false,
        })
        .collect();
    let of = u64::try_from(metadata.num_rows()).unwrap_or(0);
    for (number, fields) in (1..).zip(reader.get_row_iter(None).context("it cannot be read")?) {
        let fields = fields.with_context(|| format!("row {number}"))?;
        let texts = fields.get_column_iter().zip(&is_civil);
        let texts: Vec<_> = texts.map(|((_, field), is_civil)| text(field, *is_civil)).collect();
        let cells: Vec<_> = texts.iter().map(|text| text.as_deref().map_err(|cause| *cause)).collect();
        row(number, &cells)?;
        watch(Come { at: number, of, unit: Unit::Rows });
    }
    Ok(())
}

/// A field as a CSV file would have it.
fn text(field: &Field, is_civil: bool) -> Result<String, CellFault> {
    Ok(match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).map_err(|_| CellFault::NotText)?,
        Field::Byte(number) => number.to_string(),
        Field::Short(number) => number.to_string(),
        Field::Int(number) => number.to_string(),
        Field::Long(number) => number.to_string(),
        Field::UByte(number) => number.to_string(),
        Field::UShort(number) => number.to_string(),
        Field::UInt(number) => number.to_string(),
        Field::ULong(number) => number.to_string(),
        Field::Date(days) => civil(i64::from(*days) * 86_400)?.date().to_string(),
        Field::TimestampMillis(millis) => instant(millis.div_euclid(1000), is_civil)?,
        Field::TimestampMicros(micros) => instant(micros.div_euclid(1_000_000), is_civil)?,
        _ => return Err(CellFault::Kind),
    })
}

fn instant(seconds: i64, is_civil: bool) -> Result<String, CellFault> {
    if is_civil { Ok(civil(seconds)?.to_string()) } else { Ok(format!("@{seconds}")) }
}

fn civil(seconds: i64) -> Result<jiff::civil::DateTime, CellFault> {
    let time = Timestamp::from_second(seconds).map_err(|_| CellFault::Time)?;
    Ok(TimeZone::UTC.to_datetime(time))
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

    use crate::{Table, TableArgs, optional, required};

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

        let columns = [
            required("name", &[]),
            required("id_number", &[]),
            optional("colour", &[]),
            optional("valid_until", &[]),
            optional("test_at", &[]),
            optional("doses", &[]),
        ];
        let table = Table::open(&path, &TableArgs::default()).unwrap();
        let rows = table
            .collect(&columns, &mut |_| (), |number, fields| Ok((number, fields.map(str::to_owned))))
            .unwrap();
        let line = |number, texts: [&str; 6]| (number, texts.map(str::to_owned));
        let first = line(1, ["Li", "P:1", "red", "2026-11-21", "@1795248000", "3"]);
        assert_eq!(rows, [first, line(2, ["Wang", "P:2", "", "", "", ""])]);
    }
}
