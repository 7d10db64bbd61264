//! The allocator of the C library: what it keeps of what is given back to it.

/// Blocks of this size and more go back to the system as soon as they are free.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 1 << 20;

/// Has large blocks given back to the system when they are freed. glibc would take every larger block that is freed as a reason to keep all
/// up to that size (mallopt(3), `M_MMAP_THRESHOLD`): with small ones between them they leave holes, and a long lecture needs more than a
/// short one. Called once, before there are threads.
pub fn give_back_large() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers; no other thread allocates yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Gives back the holes between what is in use, which are kept until somebody asks.
pub fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers, locks what it touches, and gives back only pages that nobody uses.
    unsafe {
        libc::malloc_trim(0);
    }
}
