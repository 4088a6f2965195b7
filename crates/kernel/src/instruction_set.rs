//! Which instructions kernels may use.

use pulp::Arch;
use std::cell::Cell;
use std::sync::OnceLock;

/// The environment's word for the widest instruction set that kernels may use.
const VARIABLE: &str = "OSCULANT_INSTRUCTION_SET";

thread_local! {
    /// The vectors that kernels on this thread use, once it is known: each kernel asks.
    static HERE: Cell<Option<Arch>> = const { Cell::new(None) };
}

/// An instruction set that kernels are compiled for.
///
/// Kernels use the widest one that the processor has, or a narrower one where
/// `OSCULANT_INSTRUCTION_SET` in the environment is `portable` or `avx2` (any other word means
/// nothing): to see what another machine would compute, or how fast. Large matrix products, which a
/// library computes, use what the processor has all the same.
///
/// # Example
/// ```
/// use osculant_kernel::InstructionSet;
///
/// assert_eq!(InstructionSet::available()[0], InstructionSet::Portable);
/// let name = InstructionSet::Portable.on_this_thread(|| InstructionSet::current().name());
/// assert_eq!(name, Some("portable"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstructionSet {
    /// One number at a time, unless the compiler finds vectors: on every processor.
    Portable,
    /// Vectors of 256 bits, with fused multiply-adds: x86-64 processors since about 2013.
    Avx2,
    /// The widest vectors: of 512 bits on x86-64, and what there is elsewhere.
    Widest,
}

impl InstructionSet {
    /// What this processor has, whatever the environment says, the widest last.
    pub fn available() -> Vec<InstructionSet> {
        let all = [Self::Portable, Self::Avx2, Self::Widest];
        all.into_iter().filter(|set| set.arch().is_some()).collect()
    }

    /// What kernels on this thread use.
    pub fn current() -> Self {
        match arch() {
            Arch::Scalar => Self::Portable,
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => Self::Avx2,
            _ => Self::Widest,
        }
    }

    /// The name: `"portable"`, `"avx2"` or `"widest"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Widest => "widest",
        }
    }

    /// Calls `f` with kernels on this thread using this instruction set, whatever the environment
    /// says; `None`, and `f` is not called, where the processor doesn't have it.
    ///
    /// Work that `f` hands to other threads is not concerned, nor are kernels that were prepared
    /// beforehand: a graph belongs in the same call as its products.
    pub fn on_this_thread<R>(self, f: impl FnOnce() -> R) -> Option<R> {
        struct Restore(Option<Arch>);
        impl Drop for Restore {
            fn drop(&mut self) {
                HERE.set(self.0);
            }
        }
        let _restore = Restore(HERE.replace(Some(self.arch()?)));
        Some(f())
    }

    /// The vectors, if the processor has them.
    fn arch(self) -> Option<Arch> {
        match self {
            Self::Portable => Some(Arch::Scalar),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::try_new().map(Arch::V3),
            #[cfg(target_arch = "x86_64")]
            Self::Widest => pulp::x86::V4::try_new().map(Arch::V4),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 => None,
            #[cfg(not(target_arch = "x86_64"))]
            Self::Widest => Some(Arch::new()).filter(|arch| !matches!(arch, Arch::Scalar)),
        }
    }

    /// What the environment allows.
    fn allowed() -> Option<Self> {
        static ALLOWED: OnceLock<Option<InstructionSet>> = OnceLock::new();
        *ALLOWED.get_or_init(|| match std::env::var(VARIABLE).as_deref() {
            Ok("portable") => Some(Self::Portable),
            Ok("avx2") => Some(Self::Avx2),
            _ => None,
        })
    }
}

/// The vectors that kernels on this thread use.
#[inline]
pub(crate) fn arch() -> Arch {
    HERE.get().unwrap_or_else(find)
}

#[cold]
fn find() -> Arch {
    let allowed = InstructionSet::allowed().and_then(InstructionSet::arch);
    let arch = allowed.unwrap_or_default();
    HERE.set(Some(arch));
    arch
}
