//! The gate's own pages for staff. Nothing personal, no other host. Must not know: requests to services.
