//! Applying a content coding to content in memory (RFC 9110 §8.4.1).

use std::io::{self, Write};

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use tallyd_http::content_coding::ContentCoding;

/// Of gzip: its own default, where more effort gains little.
const GZIP_LEVEL: u32 = 6;

/// Of Brotli: smaller than gzip at its best, at some 50 MB/s; the next steps cost several times as much for a percent
/// or two.
const BROTLI_QUALITY: i32 = 5;

/// Of Brotli, as a power of two: 4 MiB, the usual window for files.
const BROTLI_WINDOW: i32 = 22;

/// Of Zstandard: about as small as Brotli above. Its window is 4 MiB, less than the 8 MiB that every client must
/// take (RFC 9659).
const ZSTD_LEVEL: i32 = 9;

/// Encodes all of `content`.
pub(super) fn encode(coding: ContentCoding, content: &[u8]) -> io::Result<Vec<u8>> {
    // Text becomes three to five times smaller.
    let mut encoded = Vec::with_capacity(content.len() / 3);
    match coding {
        ContentCoding::Identity => encoded.extend_from_slice(content),
        ContentCoding::Gzip => {
            let mut gzip = GzEncoder::new(&mut encoded, Compression::new(GZIP_LEVEL));
            gzip.write_all(content)?;
            gzip.finish()?;
        }
        ContentCoding::Brotli => {
            let params = BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                lgwin: BROTLI_WINDOW,
                size_hint: content.len(),
                ..BrotliEncoderParams::default()
            };
            brotli::BrotliCompress(&mut &*content, &mut encoded, &params)?;
        }
        ContentCoding::Zstd => encoded = zstd::bulk::compress(content, ZSTD_LEVEL)?,
    }
    encoded.shrink_to_fit();
    Ok(encoded)
}

/// A number for the encoder and its settings, which is part of the entity tag: it changes whenever the same content gives
/// other bytes, so that no download goes on with another encoder's.
pub(crate) const fn recipe(coding: ContentCoding) -> u32 {
    match coding {
        ContentCoding::Identity => 0,
        ContentCoding::Gzip | ContentCoding::Brotli | ContentCoding::Zstd => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Read;

    use tallyd_http::content_coding::PREFERENCE;

    use super::*;

    fn decode(coding: ContentCoding, encoded: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        match coding {
            ContentCoding::Identity => Ok(encoded).map(|encoded| content.extend_from_slice(encoded)),
            ContentCoding::Gzip => flate2::read::GzDecoder::new(encoded).read_to_end(&mut content).map(drop),
            ContentCoding::Brotli => {
                brotli::Decompressor::new(encoded, 4096).read_to_end(&mut content).map(drop)
            }
            ContentCoding::Zstd => zstd::stream::copy_decode(encoded, &mut content),
        }
        .expect("it decodes");
        content
    }

    fn sample() -> String {
        (0..4_000).fold(String::new(), |mut text, line| {
            writeln!(text, "<p>{} and again {line}</p>", line * 7919 % 977).expect("a string takes all");
            text
        })
    }

    #[test]
    fn content_survives_each_coding() {
        let (sample, zeros) = (sample(), vec![0; 100_000]);
        for coding in PREFERENCE {
            for content in [&b""[..], b"a", &zeros, sample.as_bytes()] {
                let encoded = encode(coding, content).expect("memory takes all");
                assert_eq!(decode(coding, &encoded), content, "{coding:?} of {} bytes", content.len());
            }
            let encoded = encode(coding, sample.as_bytes()).expect("memory takes all");
            assert!(encoded.len() * 3 < sample.len(), "{coding:?}: {} bytes", encoded.len());
        }
    }

    /// If this fails, an encoder or its settings have changed: raise its recipe, and put its new figures here.
    #[test]
    fn a_recipe_stands_for_certain_bytes() {
        let sample = sample();
        let made = PREFERENCE.map(|coding| {
            let encoded = encode(coding, sample.as_bytes()).expect("memory takes all");
            let mut sum = flate2::Crc::new();
            sum.update(&encoded);
            (coding, recipe(coding), encoded.len(), sum.sum())
        });
        let expect = [
            (ContentCoding::Brotli, 1, 8_221, 3_519_205_081),
            (ContentCoding::Zstd, 1, 12_994, 118_138_793),
            (ContentCoding::Gzip, 1, 17_335, 3_068_008_654),
        ];
        assert_eq!(made, expect);
    }
}
