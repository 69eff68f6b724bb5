//! Records as Parquet, column by column without Arrow. A row group is written once it is full, so that memory is bounded.

use std::fs::File;
use std::sync::Arc;

use hufu_records::Found;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::{COLUMNS, Column, Values};

/// Records of one row group: some megabytes in memory.
const GROUP_RECORDS: usize = 1 << 16;

pub(super) struct Sink<'f> {
    file: SerializedFileWriter<&'f File>,
    group: Vec<Found>,
}

impl<'f> Sink<'f> {
    pub(super) fn new(file: &'f File) -> Result<Sink<'f>> {
        let columns: String = COLUMNS.iter().map(Column::declared).collect();
        let schema = parse_message_type(&format!("message records {{ {columns}}}"))?;
        let level = ZstdLevel::try_new(3)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let file = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
        Ok(Sink { file, group: Vec::with_capacity(GROUP_RECORDS) })
    }

    pub(super) fn push(&mut self, found: &Found) -> Result<()> {
        // A slip is in no column; it does not even wait here.
        self.group.push(Found { slip: None, ..*found });
        if self.group.len() == GROUP_RECORDS { self.write() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<()> {
        if !self.group.is_empty() {
            self.write()?;
        }
        self.file.close().map(drop)
    }

    fn write(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group()?;
        for column in &COLUMNS {
            let Some(mut writer) = group.next_column()? else { break };
            let records = self.group.iter();
            match &column.values {
                Values::Time(of) | Values::Wide(of) => {
                    let values: Vec<_> = records.map(|found| of(found).cast_signed()).collect();
                    writer.typed::<Int64Type>().write_batch(&values, None, None)?;
                }
                Values::Narrow(of) => {
                    let values: Vec<_> = records.map(|found| of(found).cast_signed()).collect();
                    writer.typed::<Int32Type>().write_batch(&values, None, None)?;
                }
                Values::Text(of) => {
                    let values: Vec<_> = records.map(|found| ByteArray::from(of(found))).collect();
                    writer.typed::<ByteArrayType>().write_batch(&values, None, None)?;
                }
                Values::MaybeWide(of) => {
                    let (values, there) = there(records.map(|found| of(found).map(u64::cast_signed)));
                    writer.typed::<Int64Type>().write_batch(&values, Some(&there), None)?;
                }
                Values::MaybeNarrow(of) => {
                    let (values, there) = there(records.map(|found| of(found).map(u32::cast_signed)));
                    writer.typed::<Int32Type>().write_batch(&values, Some(&there), None)?;
                }
                Values::MaybeText(of) => {
                    let (values, there) = there(records.map(|found| of(found).map(ByteArray::from)));
                    writer.typed::<ByteArrayType>().write_batch(&values, Some(&there), None)?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        self.group.clear();
        Ok(())
    }
}

impl Column {
    /// As the schema has it.
    fn declared(&self) -> String {
        let kind = match self.values {
            Values::Time(_) => "required int64 {} (TIMESTAMP(MILLIS,true))",
            Values::Wide(_) => "required int64 {} (INTEGER(64,false))",
            Values::Narrow(_) => "required int32 {} (INTEGER(32,false))",
            Values::Text(_) => "required binary {} (STRING)",
            Values::MaybeWide(_) => "optional int64 {} (INTEGER(64,false))",
            Values::MaybeNarrow(_) => "optional int32 {} (INTEGER(32,false))",
            Values::MaybeText(_) => "optional binary {} (STRING)",
        };
        kind.replace("{}", self.name) + "; "
    }
}

/// The values that are there, and for each record whether it has one.
fn there<T>(all: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<i16>) {
    let (mut values, mut there) = (Vec::new(), Vec::new());
    for value in all {
        there.push(i16::from(value.is_some()));
        values.extend(value);
    }
    (values, there)
}
