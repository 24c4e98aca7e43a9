/* What is used of QEMU's plugin interface, version 1 (QEMU 4.2 to 8.2), declared anew since Debian
 * does not package its header. QEMU resolves these when it loads the plugin. Types that only pass
 * through are left opaque, and enumerations have only the members that are used. */
#ifndef PIPELAB_PLUGIN_API_H
#define PIPELAB_PLUGIN_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the plugin gives to QEMU. */

extern __attribute__((visibility("default"))) int qemu_plugin_version;

typedef uint64_t qemu_plugin_id_t;

typedef struct qemu_info_t {
  const char* target_name; /* "aarch64", "arm", "x86_64", ... */
  struct {
    int min;
    int cur;
  } version;
  bool system_emulation;
  struct {
    int smp_vcpus;
    int max_vcpus;
  } system; /* in a union of its own, where system_emulation is false */
} qemu_info_t;

/* Called once; 0 when the plugin can work. ARGV are its "name=value" arguments. */
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const qemu_info_t* info, int argc,
                                                               char** argv);

/* Translation: QEMU shows each block of guest code before it is run for the first time. */

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*qemu_plugin_tb_trans_t)(qemu_plugin_id_t id, struct qemu_plugin_tb* tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_tb_trans_t callback);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn* insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* insn);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* insn);

/* Execution: what is to happen whenever a block begins, or before an instruction. */

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W = 2, QEMU_PLUGIN_MEM_RW = 3 };

typedef void (*qemu_plugin_vcpu_udata_t)(unsigned vcpu, void* userdata);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* tb,
                                          qemu_plugin_vcpu_udata_t callback,
                                          enum qemu_plugin_cb_flags flags, void* userdata);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn* insn,
                                            qemu_plugin_vcpu_udata_t callback,
                                            enum qemu_plugin_cb_flags flags, void* userdata);
/* Adds `amount` to *counter without a call, for all vCPUs, not atomically. */
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn* insn,
                                                enum qemu_plugin_op op, void* counter,
                                                uint64_t amount);

/* Memory: what is to happen after each access of an instruction. */

typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*qemu_plugin_vcpu_mem_t)(unsigned vcpu, qemu_plugin_meminfo_t access, uint64_t vaddr,
                                       void* userdata);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn* insn,
                                      qemu_plugin_vcpu_mem_t callback,
                                      enum qemu_plugin_cb_flags flags,
                                      enum qemu_plugin_mem_rw which, void* userdata);
void qemu_plugin_register_vcpu_mem_inline(struct qemu_plugin_insn* insn,
                                          enum qemu_plugin_mem_rw which, enum qemu_plugin_op op,
                                          void* counter, uint64_t amount);
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t access);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t access);

/* Valid until the memory callback returns; null when it is not known. */
struct qemu_plugin_hwaddr;
struct qemu_plugin_hwaddr* qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t access, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr* address);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr* address);

/* The end. */

typedef void (*qemu_plugin_udata_t)(qemu_plugin_id_t id, void* userdata);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_t callback,
                                    void* userdata);
void qemu_plugin_outs(const char* text);

#ifdef __cplusplus
}
#endif

#endif
