//! Reads the frames that come from JavaScript. Nothing in them is trusted: every length is checked.

#![deny(unsafe_code)]

use super::*;

/// What is wrong with a frame. It can only be a fault of this package, never of a user's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadFrame(pub &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Send {
    pub id: u32,
    pub topic: i32,
    pub records: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// -1: the client chooses.
    pub partition: i32,
    /// Milliseconds since the epoch; 0: now.
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// A position in a produce frame that can be kept and continued, which back-pressure needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    position: usize,
    end: usize,
    sends_left: u32,
    records_left: u32,
    send: Send,
}

pub enum Step<'a> {
    /// A send begins; its records follow.
    Send(Send),
    Record(Send, Record<'a>),
    End,
}

impl Cursor {
    pub fn new(frame: &[u8]) -> Result<Cursor, BadFrame> {
        let header = words::<PRODUCE_HEADER_WORDS>(frame, 0)?;
        if header[0] != PRODUCE_MAGIC {
            return Err(BadFrame("not a produce frame"));
        }
        let end = usize::try_from(header[1]).map_err(|_| BadFrame("negative size"))?;
        if end > frame.len() {
            return Err(BadFrame("longer than its memory"));
        }
        Ok(Cursor {
            position: PRODUCE_HEADER_WORDS * 4,
            end,
            sends_left: header[2] as u32,
            records_left: 0,
            send: Send { id: 0, topic: 0, records: 0 },
        })
    }

    /// Moves on by one send or record of `frame`, which must be the frame that the cursor was made for.
    pub fn step<'a>(&mut self, frame: &'a [u8]) -> Result<Step<'a>, BadFrame> {
        let frame = frame.get(..self.end).ok_or(BadFrame("longer than its memory"))?;
        if self.records_left == 0 {
            if self.sends_left == 0 {
                return Ok(Step::End);
            }
            let head = words::<SEND_WORDS>(frame, self.position)?;
            self.position += SEND_WORDS * 4;
            self.sends_left -= 1;
            self.send = Send { id: head[0] as u32, topic: head[1], records: head[2] as u32 };
            self.records_left = self.send.records;
            return Ok(Step::Send(self.send));
        }
        let head = words::<RECORD_WORDS>(frame, self.position)?;
        let mut at = self.position + RECORD_WORDS * 4;
        let key = slice(frame, &mut at, head[4])?;
        let value = slice(frame, &mut at, head[5])?;
        let headers = slice(frame, &mut at, head[6])?.unwrap_or_default();
        self.position = at.next_multiple_of(4);
        self.records_left -= 1;
        let timestamp = i64::from(head[2] as u32) | (i64::from(head[3]) << 32);
        let headers = Headers { bytes: headers, count: head[7].max(0) as u32 };
        Ok(Step::Record(self.send, Record { partition: head[0], timestamp, key, value, headers }))
    }
}

/// The headers of one record, read on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Headers<'a> {
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Each name with its value; `None` is a null value.
    pub fn iter(self) -> impl Iterator<Item = Result<Header<'a>, BadFrame>> {
        let mut at = 0;
        (0..self.count).map(move |_| {
            let length = words::<1>(self.bytes, at)?[0];
            at += 4;
            let name = slice(self.bytes, &mut at, length)?.ok_or(BadFrame("header without a name"))?;
            let length = words::<1>(self.bytes, at)?[0];
            at += 4;
            Ok((name, slice(self.bytes, &mut at, length)?))
        })
    }
}

pub type Header<'a> = (&'a [u8], Option<&'a [u8]>);

fn words<const N: usize>(frame: &[u8], at: usize) -> Result<[i32; N], BadFrame> {
    let bytes = frame.get(at..).and_then(|rest| rest.get(..N * 4)).ok_or(BadFrame("cut short"))?;
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Ok(words)
}

fn slice<'a>(frame: &'a [u8], at: &mut usize, length: i32) -> Result<Option<&'a [u8]>, BadFrame> {
    if length == NULL_LENGTH {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| BadFrame("negative length"))?;
    let bytes = frame.get(*at..).and_then(|rest| rest.get(..length)).ok_or(BadFrame("cut short"))?;
    *at += length;
    Ok(Some(bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);
    /// Partition, timestamp, key, value, headers.
    pub type OwnedRecord = (i32, i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<OwnedHeader>);

    /// What `lib/frame/writer.js` writes.
    pub fn encode(sends: &[(u32, i32, Vec<OwnedRecord>)]) -> Vec<u8> {
        let mut frame: Vec<u8> = vec![0; PRODUCE_HEADER_WORDS * 4];
        let put = |frame: &mut Vec<u8>, words: &[i32]| words.iter().for_each(|w| frame.extend(w.to_le_bytes()));
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(NULL_LENGTH, |b| b.len() as i32);
        let mut records = 0;
        for (id, topic, list) in sends {
            put(&mut frame, &[*id as i32, *topic, list.len() as i32, 0]);
            for (partition, timestamp, key, value, headers) in list {
                records += 1;
                let mut bytes = Vec::new();
                for (name, value) in headers {
                    put(&mut bytes, &[name.len() as i32]);
                    bytes.extend(name);
                    put(&mut bytes, &[length(value)]);
                    bytes.extend(value.iter().flatten());
                }
                let (low, high) = (*timestamp as i32, (*timestamp >> 32) as i32);
                let counts = [length(key), length(value), bytes.len() as i32, headers.len() as i32];
                put(&mut frame, &[*partition, 0, low, high]);
                put(&mut frame, &counts);
                frame.extend(key.iter().flatten());
                frame.extend(value.iter().flatten());
                frame.extend(bytes);
                frame.resize(frame.len().next_multiple_of(4), 0);
            }
        }
        let header = [PRODUCE_MAGIC, frame.len() as i32, sends.len() as i32, records];
        for (slot, word) in frame.chunks_exact_mut(4).zip(header) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        frame
    }

    fn decode(frame: &[u8]) -> Result<Vec<(u32, i32, Vec<OwnedRecord>)>, BadFrame> {
        let mut sends: Vec<(u32, i32, Vec<OwnedRecord>)> = Vec::new();
        let mut cursor = Cursor::new(frame)?;
        loop {
            match cursor.step(frame)? {
                Step::End => return Ok(sends),
                Step::Send(send) => sends.push((send.id, send.topic, Vec::new())),
                Step::Record(_, record) => {
                    let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
                    let mut headers = Vec::new();
                    for header in record.headers.iter() {
                        let (name, value) = header?;
                        headers.push((name.to_vec(), own(value)));
                    }
                    let record = (record.partition, record.timestamp, own(record.key), own(record.value), headers);
                    sends.last_mut().ok_or(BadFrame("record before a send"))?.2.push(record);
                }
            }
        }
    }

    fn bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40))
    }

    fn record() -> impl Strategy<Value = OwnedRecord> {
        let header = (proptest::collection::vec(any::<u8>(), 0..12), bytes());
        (any::<i32>(), any::<i64>(), bytes(), bytes(), proptest::collection::vec(header, 0..4))
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out(
            sends in proptest::collection::vec((any::<u32>(), any::<i32>(), proptest::collection::vec(record(), 0..6)), 0..5)
        ) {
            prop_assert_eq!(decode(&encode(&sends)).unwrap(), sends);
        }

        #[test]
        fn a_damaged_frame_is_an_error_and_never_a_panic(
            sends in proptest::collection::vec((any::<u32>(), any::<i32>(), proptest::collection::vec(record(), 0..4)), 1..4),
            at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()
        ) {
            let whole = encode(&sends);
            let mut damaged = whole.clone();
            damaged[at.index(whole.len())] = byte;
            let _ = decode(&damaged);
            prop_assert!(decode(&whole[..cut.index(whole.len())]).is_err());
        }
    }

    #[test]
    fn memory_that_is_no_frame_is_refused() {
        assert_eq!(Cursor::new(&[0; 16]), Err(BadFrame("not a produce frame")));
        assert_eq!(Cursor::new(&[]), Err(BadFrame("cut short")));
    }
}
