//! Whatever bytes a file has: rows or a fault, never a panic, and never more than the limits allow.

use std::io::Write as _;

use hufu_sheets::{GROUP, ID_NUMBER, Limits, NAME, Table, TableArgs, optional, required};

#[test]
fn any_file_is_a_table_or_a_fault() {
    let columns = [required("id_number", ID_NUMBER), required("name", NAME), optional("group", GROUP)];
    let args = TableArgs {
        ignore_others: true,
        limits: Limits { unzipped_mib: 1, rows: 100 },
        ..TableArgs::default()
    };
    bolero::check!().for_each(|bytes: &[u8]| {
        for beginning in [&b""[..], b"id_number,name\n", b"PK\x03\x04"] {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(&[beginning, bytes].concat()).expect("written");
            let mut rows = 0;
            let _ = Table::of(file, &args).and_then(|table| {
                table.each(&columns, &mut |_| (), |_| {
                    rows += 1;
                    Ok(())
                })
            });
            assert!(rows <= 100);
        }
    });
}
