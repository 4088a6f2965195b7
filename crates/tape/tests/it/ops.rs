//! Every registered op passes every check: one module per op, one test per check.

use osculant_tape::check::{Check, OpCheck};

macro_rules! tests {
    ($($name:ident: $Op:ty,)*) => {
        $(mod $name {
            tests!(@ $Op: adjoint Adjoint, jvp Jvp, vjp_jvp VjpJvp, symmetry Symmetry,
                linearity Linearity, accumulation Accumulation, shapes Shapes,
                precision Precision, special_values Special, tiles Tiles, deferred Deferred,
                columns Columns);
        })*
    };
    (@ $Op:ty: $($test:ident $Check:ident),*) => {
        #[test]
        fn no_check_is_left_out() {
            assert_eq!([$(super::Check::$Check),*], super::Check::ALL);
        }

        $(#[test]
        fn $test() {
            if let Err(failure) = super::OpCheck::new().only(super::Check::$Check).run::<$Op>() {
                panic!("{failure}");
            }
        })*
    };
}

osculant_tape::for_each_op!(tests);
