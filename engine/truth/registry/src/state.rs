//! The state that issued a document, as ICAO 9303 writes it: the three letters of ISO 3166-1, and a few more.

/// Codes of ISO 3166-1 alpha-3.
const STATES: &str = "\
    ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM BLR \
    BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR CYM CYP \
    CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB GIN GLP GMB \
    GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN \
    KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD \
    MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN \
    PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM \
    SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA UKR UMI \
    URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE";

/// Codes that ICAO 9303-3, 5, adds: forms of British nationality, Kosovo, organisations, and people without a state.
const OTHERS: &str =
    "EUE GBD GBN GBO GBP GBS RKS UNA UNK UNO XAA XBA XCC XCE XCO XEC XES XIM XMP XOM XPO XXA XXB XXC XXX";

/// The code of a state, in its one spelling; `None` when there is no such state.
pub(crate) fn state(text: &str) -> Option<&'static str> {
    // In the machine-readable zone, Germany is D and filled with `<`.
    let text = text.trim_end_matches('<');
    let text = if text.eq_ignore_ascii_case("D") { "DEU" } else { text };
    let mut codes = STATES.split_ascii_whitespace().chain(OTHERS.split_ascii_whitespace());
    codes.find(|code| code.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_code_of_its_own() {
        let codes: std::collections::BTreeSet<_> = STATES.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 249, "as many as ISO 3166-1 has");
        assert_eq!(STATES.split_ascii_whitespace().count(), 249);
        assert_eq!(state("usa"), Some("USA"));
        assert_eq!((state("D"), state("D<<"), state("DEU")), (Some("DEU"), Some("DEU"), Some("DEU")));
        assert_eq!((state("XXA"), state("UAS"), state(""), state("US")), (Some("XXA"), None, None, None));
    }
}
