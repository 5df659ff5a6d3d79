//! Flat memory for the word tables, in huge pages where the system gives them: a text asks at places all over it, and with
//! small pages a tenth of the time of a search is spent on finding the page.
//! Must not know: what is held.

use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use memmap2::MmapMut;

/// Numbers of a fixed count, all zero at first.
pub(super) struct Pages<T> {
    held: Held<T>,
}

enum Held<T> {
    /// Exactly as long as the numbers.
    Mapped(MmapMut),
    Heap(Vec<T>),
}

/// From this many bytes on huge pages are worth it.
const WORTH: usize = 1 << 20;

impl<T: Pod> Pages<T> {
    pub(super) fn zeroed(count: usize) -> Self {
        let mapped = count
            .checked_mul(size_of::<T>())
            .filter(|bytes| *bytes >= WORTH)
            .and_then(|bytes| MmapMut::map_anon(bytes).ok());
        let held = match mapped {
            Some(map) => {
                // Only a wish: a system without huge pages gives small ones.
                #[cfg(target_os = "linux")]
                map.advise(memmap2::Advice::HugePage).unwrap_or_default();
                Held::Mapped(map)
            }
            None => Held::Heap(vec![T::zeroed(); count]),
        };
        Self { held }
    }
}

impl<T: Pod> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.held {
            Held::Mapped(map) => bytemuck::cast_slice(map),
            Held::Heap(numbers) => numbers,
        }
    }
}

impl<T: Pod> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.held {
            Held::Mapped(map) => bytemuck::cast_slice_mut(map),
            Held::Heap(numbers) => numbers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_hold_what_is_written() {
        for count in [3, WORTH] {
            let mut pages = Pages::<u32>::zeroed(count);
            assert_eq!(pages.len(), count);
            assert!(pages.iter().all(|number| *number == 0));
            pages[count - 1] = 7;
            assert_eq!(pages.last(), Some(&7));
        }
    }
}
