//! What is done to an ONNX model's bytes before it is loaded: an inner tensor is made visible, and what its file says about shapes is left out.
//!
//! An ONNX file is one protocol-buffers message: `ModelProto { graph: GraphProto = 7 }`, `GraphProto { node = 1, input = 11, output = 12,
//! value_info = 13 }`, `NodeProto { output = 2 }`, `ValueInfoProto { name = 1, type: TypeProto = 2 }`, `TypeProto { tensor_type = 1 }`,
//! `TypeProto.Tensor { shape = 2 }` (numbers from onnx.proto).

const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INPUT: u64 = 11;
const OUTPUT: u64 = 12;
const VALUE_INFO: u64 = 13;
const NODE_OUTPUT: u64 = 2;
const VALUE_NAME: u64 = 1;
const VALUE_TYPE: u64 = 2;
const TENSOR_TYPE: u64 = 1;
const TENSOR_SHAPE: u64 = 2;

/// Appends `tensor` to the graph's outputs. False, and nothing changed, when no node makes it or the bytes are not an ONNX model.
///
/// The protocol-buffers encoding rules say that a parser merges repeated occurrences of an embedded message and appends repeated fields; so
/// one more `graph` that holds nothing but an `output`, put *after* the model, adds that output, and the 60 MB before it need not be
/// rewritten. Type and shape may be left out: the run-time library infers them. The walk only checks that some node makes the tensor.
pub(super) fn expose(model: &mut Vec<u8>, tensor: &str) -> bool {
    let made = messages(model, GRAPH)
        .flat_map(|graph| messages(graph, NODE))
        .any(|node| messages(node, NODE_OUTPUT).any(|output| output == tensor.as_bytes()));
    if made {
        let value = message(VALUE_NAME, tensor.as_bytes());
        let output = message(OUTPUT, &value);
        model.extend(message(GRAPH, &output));
    }
    made
}

/// The model without the shapes of what goes into it and of its inner tensors; as it was where the bytes are no message.
///
/// They are optional, and the sizes in them are only known at run time. From them the run-time library plans which tensor may lie where
/// another one lay: for 2,700 nodes it compares for 1.5 to 2 s of a session's 2.0 to 2.6, and no later run is faster for it. (Its own
/// `enable_mem_reuse` turns that off and is not in its C interface, 1.28.)
pub(super) fn without_shapes(model: Vec<u8>) -> Vec<u8> {
    let inputs = [GRAPH, INPUT, VALUE_TYPE, TENSOR_TYPE, TENSOR_SHAPE];
    without(&model, &[&inputs, &[GRAPH, VALUE_INFO]]).unwrap_or(model)
}

/// The message without the fields at the ends of the paths (numbers of fields, from the outermost); `None` where it is no message.
fn without(bytes: &[u8], paths: &[&[u64]]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let before = rest;
        let (number, content) = take_field(&mut rest)?;
        let raw = &before[..before.len() - rest.len()];
        let inner: Vec<&[u64]> = paths.iter().filter(|path| path[0] == number).map(|path| &path[1..]).collect();
        match content {
            Some(content) if !inner.is_empty() => {
                if !inner.iter().any(|path| path.is_empty()) {
                    append(number, &without(content, &inner)?, &mut kept);
                }
            }
            _ => kept.extend_from_slice(raw),
        }
    }
    Some(kept)
}

/// One length-delimited field.
fn message(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 4);
    append(number, content, &mut bytes);
    bytes
}

fn append(number: u64, content: &[u8], bytes: &mut Vec<u8>) {
    varint(number << 3 | 2, bytes);
    varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
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
            match take_field(&mut bytes)? {
                (found, Some(content)) if found == number => return Some(content),
                _ => {}
            }
        }
    })
}

/// Takes one field: its number and, where it is length-delimited, its content. `None` at the end and at bytes that are no field.
fn take_field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let tag = take_varint(bytes)?;
    let length = match tag & 7 {
        0 => {
            take_varint(bytes)?;
            return Some((tag >> 3, None));
        }
        1 => 8,
        2 => usize::try_from(take_varint(bytes)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((tag >> 3, (tag & 7 == 2).then_some(content)))
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
        let graph = [message(NODE, &node), vec![0x29, 0, 0, 0, 0, 0, 0, 0, 0], message(2, &vec![b'g'; 300])].concat();
        [vec![0x08, 0x88, 0x01], message(2, b"producer"), message(GRAPH, &graph), vec![0x35, 1, 2, 3, 4]].concat()
    }

    #[test]
    fn the_output_is_added_and_the_rest_kept() {
        let before = model("/Ceil_output_0");
        let mut after = before.clone();
        assert!(expose(&mut after, "/Ceil_output_0"));
        assert_eq!(after[..before.len()], before[..]);
        let outputs: Vec<&[u8]> =
            messages(&after, GRAPH).flat_map(|graph| messages(graph, OUTPUT)).flat_map(|value| messages(value, VALUE_NAME)).collect();
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

    /// A value called `name`, of a type that says its kind of element and, with `shape`, how large it is.
    fn value(name: &[u8], shape: bool) -> Vec<u8> {
        let shape = if shape { message(TENSOR_SHAPE, b"\x0a\x02\x08\x01") } else { Vec::new() };
        let tensor = [vec![0x08, 0x01], shape].concat();
        [message(VALUE_NAME, name), message(VALUE_TYPE, &message(TENSOR_TYPE, &tensor))].concat()
    }

    #[test]
    fn shapes_of_inputs_and_inner_tensors_are_left_out_and_nothing_else() {
        let of = |shapes: bool| {
            let inner = if shapes { message(VALUE_INFO, &value(b"inner", true)) } else { Vec::new() };
            let parts = [
                message(NODE, &message(NODE_OUTPUT, b"out")),
                message(INPUT, &value(b"one", shapes)),
                inner,
                message(INPUT, &value(b"two", shapes)),
                message(OUTPUT, &value(b"out", true)),
                message(5, &vec![7; 1000]),
                vec![0x29, 0, 0, 0, 0, 0, 0, 0, 0],
            ];
            [vec![0x08, 0x88, 0x01], message(2, b"producer"), message(GRAPH, &parts.concat()), vec![0x35, 1, 2, 3, 4]].concat()
        };
        assert_eq!(without_shapes(of(true)), of(false));
        assert_eq!(without_shapes(of(false)), of(false));
    }

    #[test]
    fn what_is_no_model_stays_as_it_is() {
        for bytes in [Vec::new(), b"no protocol buffers".to_vec(), vec![0xff; 40], model("/Ceil_output_0")[..40].to_vec()] {
            assert_eq!(without_shapes(bytes.clone()), bytes);
        }
    }
}
