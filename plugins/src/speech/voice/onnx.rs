//! Making an inner tensor of an ONNX model visible, by editing the file's bytes in memory.
//!
//! An ONNX file is one protocol-buffers message: `ModelProto { graph: GraphProto = 7 }`, `GraphProto { node = 1, output = 12 }`,
//! `NodeProto { output = 2 }`, `ValueInfoProto { name = 1 }` (numbers from onnx.proto). The protocol-buffers encoding rules say that a
//! parser merges repeated occurrences of an embedded message and appends repeated fields; so one more `graph` that holds nothing but an
//! `output`, put *after* the model, adds that output, and the 60 MB before it need not be rewritten. Type and shape may be left out:
//! the run-time library infers them. The walk only checks that some node makes the tensor.

const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const GRAPH_OUTPUT: u64 = 12;
const NODE_OUTPUT: u64 = 2;
const VALUE_NAME: u64 = 1;

/// Appends `tensor` to the graph's outputs. False, and nothing changed, when no node makes it or the bytes are not an ONNX model.
pub(super) fn expose(model: &mut Vec<u8>, tensor: &str) -> bool {
    let made = messages(model, MODEL_GRAPH)
        .flat_map(|graph| messages(graph, GRAPH_NODE))
        .any(|node| messages(node, NODE_OUTPUT).any(|output| output == tensor.as_bytes()));
    if made {
        let value = message(VALUE_NAME, tensor.as_bytes());
        let output = message(GRAPH_OUTPUT, &value);
        model.extend(message(MODEL_GRAPH, &output));
    }
    made
}

/// One length-delimited field.
fn message(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 4);
    varint(number << 3 | 2, &mut bytes);
    varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// The contents of all length-delimited fields called `number`; ends early at bytes that are no message.
fn messages(mut bytes: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            let tag = take_varint(&mut bytes)?;
            let length = match tag & 7 {
                0 => {
                    take_varint(&mut bytes)?;
                    continue;
                }
                1 => 8,
                2 => usize::try_from(take_varint(&mut bytes)?).ok()?,
                5 => 4,
                _ => return None,
            };
            let (content, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            if tag == number << 3 | 2 {
                return Some(content);
            }
        }
    })
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model with one node that makes `tensor`, between fields of all other wire types.
    fn model(tensor: &str) -> Vec<u8> {
        let node = [message(1, b"in"), message(NODE_OUTPUT, tensor.as_bytes()), message(4, b"Ceil")].concat();
        let graph = [message(GRAPH_NODE, &node), vec![0x29, 0, 0, 0, 0, 0, 0, 0, 0], message(2, &vec![b'g'; 300])].concat();
        [vec![0x08, 0x88, 0x01], message(2, b"producer"), message(MODEL_GRAPH, &graph), vec![0x35, 1, 2, 3, 4]].concat()
    }

    #[test]
    fn the_output_is_added_and_the_rest_kept() {
        let before = model("/Ceil_output_0");
        let mut after = before.clone();
        assert!(expose(&mut after, "/Ceil_output_0"));
        assert_eq!(after[..before.len()], before[..]);
        let outputs: Vec<&[u8]> = messages(&after, MODEL_GRAPH)
            .flat_map(|graph| messages(graph, GRAPH_OUTPUT))
            .flat_map(|value| messages(value, VALUE_NAME))
            .collect();
        assert_eq!(outputs, [b"/Ceil_output_0"]);
    }

    #[test]
    fn what_is_not_there_is_not_added() {
        for bytes in [model("/Other"), Vec::new(), b"no protocol buffers".to_vec(), vec![0xff; 40], model("/Ceil_output_0")[..40].to_vec()]
        {
            let mut edited = bytes.clone();
            assert!(!expose(&mut edited, "/Ceil_output_0"));
            assert_eq!(edited, bytes);
        }
    }
}
