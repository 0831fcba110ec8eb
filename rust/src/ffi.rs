//! Why: pointers and lengths become slices in one place.

/// `data` may be null only when `len` is 0.
pub unsafe fn view<'a>(data: *const u8, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    std::slice::from_raw_parts(data, len)
}

pub unsafe fn fixed<'a, const N: usize>(data: *const u8) -> &'a [u8; N] {
    &*(data as *const [u8; N])
}

pub unsafe fn fixed_out<'a, const N: usize>(data: *mut u8) -> &'a mut [u8; N] {
    &mut *(data as *mut [u8; N])
}

/// Copies `from` to `out` when it fits; the length written, or -1.
pub unsafe fn write_out(from: &[u8], out: *mut u8, capacity: usize) -> isize {
    if from.len() > capacity {
        return -1;
    }
    std::ptr::copy_nonoverlapping(from.as_ptr(), out, from.len());
    from.len() as isize
}
