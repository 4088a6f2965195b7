//! Vectors of either scalar type in any instruction set: what the kernels are written in.
//!
//! A kernel is one function, generic over the instruction set (`pulp::Simd`) and over [`Lane`], the
//! scalar type with its vectors. [`compiled`] compiles it per instruction set, as [`run`] does with
//! closures; the one to use is picked when the program runs.

#![allow(unsafe_code)]

use crate::Scalar;
use crate::instruction_set::arch;
use pulp::{Arch, MemMask, Simd, WithSimd};
use std::any::TypeId;

/// A scalar type together with its vectors.
///
/// Every method is `inline(always)`: vector code is only fast inside a function that was compiled
/// for the instruction set.
pub(crate) trait Lane: Scalar {
    /// A vector.
    type Vector<S: Simd>: Copy;
    /// Which lanes of a vector a load or a store touches.
    type Mask<S: Simd>: Copy;

    /// How many numbers a vector holds.
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }
    /// All lanes equal to `x`.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// a + b.
    fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a·b + c, in one rounding where the instruction set can.
    fn fma<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The sum of all lanes.
    fn total<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// The first `n` lanes.
    fn mask<S: Simd>(simd: S, n: usize) -> Self::Mask<S>;
    /// Loads the lanes in `mask`; the others are 0.
    ///
    /// # Safety
    /// The numbers under the lanes in `mask` can be read.
    unsafe fn load_masked<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        from: *const Self,
    ) -> Self::Vector<S>;
    /// Stores the lanes in `mask`.
    ///
    /// # Safety
    /// The numbers under the lanes in `mask` can be written.
    unsafe fn store_masked<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        to: *mut Self,
        x: Self::Vector<S>,
    );

    /// Loads a whole vector.
    ///
    /// # Safety
    /// [`Lane::lanes`] numbers can be read from `from`.
    #[inline(always)]
    unsafe fn load<S: Simd>(from: *const Self) -> Self::Vector<S> {
        // SAFETY: the caller vouches for the numbers; a vector is as long as its lanes, is valid
        // for every bit pattern, and no alignment is assumed.
        unsafe { from.cast::<Self::Vector<S>>().read_unaligned() }
    }

    /// Stores a whole vector.
    ///
    /// # Safety
    /// [`Lane::lanes`] numbers can be written to `to`.
    #[inline(always)]
    unsafe fn store<S: Simd>(to: *mut Self, x: Self::Vector<S>) {
        // SAFETY: as for `load`.
        unsafe { to.cast::<Self::Vector<S>>().write_unaligned(x) }
    }
}

macro_rules! lane {
    ($t:ty, $v:ident, $m:ident, $bits:ty, $splat:ident, $add:ident, $mul_add:ident, $sum:ident,
     $mask:ident, $load:ident, $store:ident) => {
        impl Lane for $t {
            type Vector<S: Simd> = S::$v;
            type Mask<S: Simd> = MemMask<S::$m>;

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$v {
                simd.$splat(x)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn fma<S: Simd>(simd: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn total<S: Simd>(simd: S, a: S::$v) -> Self {
                simd.$sum(a)
            }
            #[inline(always)]
            fn mask<S: Simd>(simd: S, n: usize) -> MemMask<S::$m> {
                // The mask alone: with it, pulp uses the masked instruction in place of a call
                // through a table.
                MemMask::new(simd.$mask(0, n as $bits).mask())
            }
            #[inline(always)]
            unsafe fn load_masked<S: Simd>(
                simd: S,
                mask: MemMask<S::$m>,
                from: *const Self,
            ) -> S::$v {
                // SAFETY: the caller vouches for the lanes in the mask.
                unsafe { simd.$load(mask, from) }
            }
            #[inline(always)]
            unsafe fn store_masked<S: Simd>(
                simd: S,
                mask: MemMask<S::$m>,
                to: *mut Self,
                x: S::$v,
            ) {
                // SAFETY: the caller vouches for the lanes in the mask.
                unsafe { simd.$store(mask, to, x) }
            }
        }
    };
}

lane!(
    f32,
    f32s,
    m32s,
    u32,
    splat_f32s,
    add_f32s,
    mul_add_e_f32s,
    reduce_sum_f32s,
    mask_between_m32s,
    mask_load_ptr_f32s,
    mask_store_ptr_f32s
);
lane!(
    f64,
    f64s,
    m64s,
    u64,
    splat_f64s,
    add_f64s,
    mul_add_e_f64s,
    reduce_sum_f64s,
    mask_between_m64s,
    mask_load_ptr_f64s,
    mask_store_ptr_f64s
);

/// Asks for the cache line of a number that will be read soon; any address will do.
#[inline(always)]
pub(crate) fn fetch<L>(from: *const L) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads nothing and cannot fault; every x86-64 processor has it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Runs a kernel in the instruction set of this thread.
pub(crate) fn run<K: WithSimd>(kernel: K) -> K::Output {
    match arch() {
        Arch::Scalar => portable(kernel),
        arch => arch.dispatch(kernel),
    }
}

/// Apart, so that the stack that a kernel needs here is not touched where another is taken.
#[inline(never)]
fn portable<K: WithSimd>(kernel: K) -> K::Output {
    Arch::Scalar.dispatch(kernel)
}

/// A kernel of one scalar type, compiled in this crate.
///
/// What is generic is compiled anew in each program that uses it, and these loops are most of what
/// there is to compile.
pub(crate) trait Compiled {
    /// Runs the kernel.
    fn execute(self);
}

/// Compiles kernels that are generic over the scalar type for both of them.
///
/// With its fields named, those of any type before those that hold numbers of the scalar type, a
/// kernel also gets `dispatch`, for callers who don't know which of both `T` is.
macro_rules! compiled {
    ($($Kernel:ident { $($given:ident),*; $($numbers:ident),* })+) => {
        $($crate::simd::compiled!($Kernel);
        impl<T: $crate::Scalar> $Kernel<'_, T> {
            /// Runs the kernel in the type that `T` is.
            pub fn dispatch(mut self) {
                use $crate::simd::Compiled;
                if let Some(kernel) = self.same::<f32>() {
                    kernel.execute();
                } else if let Some(kernel) = self.same::<f64>() {
                    kernel.execute();
                }
            }

            fn same<U: 'static>(&mut self) -> Option<$Kernel<'_, U>> {
                Some($Kernel {
                    $($given: self.$given,)*
                    $($numbers: $crate::simd::Same::same(&mut self.$numbers)?,)*
                })
            }
        })+
    };
    ($($Kernel:ident),+) => {
        $($crate::simd::compiled!(@ $Kernel, f32);
          $crate::simd::compiled!(@ $Kernel, f64);)+
    };
    (@ $Kernel:ident, $t:ty) => {
        impl $crate::simd::Compiled for $Kernel<'_, $t> {
            #[inline(never)]
            fn execute(self) {
                $crate::simd::run_here!(self, $Kernel<'_, $t>);
            }
        }
    };
}
pub(crate) use compiled;

/// Does what [`run`] does, by functions of the module where it stands.
///
/// The compiler cuts a crate into units by module and works at several units at once. Generic
/// functions of `pulp` would put all kernels into one unit.
macro_rules! run_here {
    ($kernel:expr, $Kernel:ty) => {{
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        {
            use pulp::x86::{V3, V4};

            // The features that V3 and V4 stand for, or that imply them.
            #[target_feature(enable = "avx2,bmi1,bmi2,fma,fxsr,lzcnt,popcnt")]
            fn avx2(simd: V3, kernel: $Kernel) {
                pulp::WithSimd::with_simd(kernel, simd);
            }

            #[target_feature(enable = "avx2,bmi1,bmi2,fma,fxsr,lzcnt,popcnt")]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
            fn avx512(simd: V4, kernel: $Kernel) {
                pulp::WithSimd::with_simd(kernel, simd);
            }

            #[inline(never)]
            fn portable(kernel: $Kernel) {
                pulp::WithSimd::with_simd(kernel, pulp::Scalar);
            }

            match $crate::instruction_set::arch() {
                // SAFETY: a `simd` is made where the processor was found to have its features.
                pulp::Arch::V4(simd) => unsafe { avx512(simd, $kernel) },
                // SAFETY: as above.
                pulp::Arch::V3(simd) => unsafe { avx2(simd, $kernel) },
                _ => portable($kernel),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        $crate::simd::run($kernel);
    }};
}
pub(crate) use run_here;

/// Runs a closure, compiled for the vectors of this machine.
///
/// For plain loops: those that the compiler can turn into vectors become as wide as this machine
/// allows. The closure, and what it calls in the loop, must be inlined to be part of it.
///
/// ```
/// use osculant_kernel::{elementary, vectorized};
/// let mut x = [0.0, 1.0, 2.0];
/// vectorized(
///     #[inline(always)]
///     || {
///         for x in &mut x {
///             *x = elementary::tanh(*x);
///         }
///     },
/// );
/// assert_eq!(x[0], 0.0);
/// assert!((x[1] - 1f64.tanh()).abs() < 1e-15);
/// ```
#[inline]
pub fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    run(f)
}

/// A kernel's field as that of a kernel of `U`, if its numbers are `U`.
pub(crate) trait Same<U> {
    /// The field.
    type As;

    /// The field, or `None` where its numbers are of another type.
    fn same(self) -> Option<Self::As>;
}

impl<'s, T: 'static, U: 'static> Same<U> for &mut &'s [T] {
    type As = &'s [U];

    fn same(self) -> Option<&'s [U]> {
        same(self)
    }
}

impl<'a, T: 'static, U: 'static> Same<U> for &'a mut &mut [T] {
    type As = &'a mut [U];

    fn same(self) -> Option<&'a mut [U]> {
        same_mut(self)
    }
}

impl<'a, X, U> Same<U> for &'a mut Option<X>
where
    &'a mut X: Same<U>,
{
    type As = Option<<&'a mut X as Same<U>>::As>;

    fn same(self) -> Option<Self::As> {
        match self {
            Some(x) => Some(Some(x.same()?)),
            None => Some(None),
        }
    }
}

impl<'a, X, Y, U> Same<U> for &'a mut (X, Y)
where
    &'a mut X: Same<U>,
    &'a mut Y: Same<U>,
{
    type As = (<&'a mut X as Same<U>>::As, <&'a mut Y as Same<U>>::As);

    fn same(self) -> Option<Self::As> {
        Some((self.0.same()?, self.1.same()?))
    }
}

impl<'a, X, U> Same<U> for &'a mut [X; 2]
where
    &'a mut X: Same<U>,
{
    type As = [<&'a mut X as Same<U>>::As; 2];

    fn same(self) -> Option<Self::As> {
        let [first, second] = self;
        Some([first.same()?, second.same()?])
    }
}

/// A slice of `T` as a slice of `U`, if they are the same type.
pub(crate) fn same<T: 'static, U: 'static>(x: &[T]) -> Option<&[U]> {
    (TypeId::of::<T>() == TypeId::of::<U>()).then(|| {
        // SAFETY: the types are the same, hence so are length, alignment and validity.
        unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), x.len()) }
    })
}

/// A mutable slice of `T` as a slice of `U`, if they are the same type.
pub(crate) fn same_mut<T: 'static, U: 'static>(x: &mut [T]) -> Option<&mut [U]> {
    (TypeId::of::<T>() == TypeId::of::<U>()).then(|| {
        // SAFETY: the types are the same, hence so are length, alignment and validity; the
        // borrow is passed on whole.
        unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len()) }
    })
}
