"""The plain parcel import (图斑清单导入): a list with fixed columns in, compared with what stands, written or not."""
