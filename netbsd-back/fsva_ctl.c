/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_ctl.c: /dev/fsva, by which fsvad(8) mounts what a front asks for.
 *
 * A read waits for the next piece of work and returns it as one line of fields
 * with tabs between them:
 *
 *	ID mount|update TYPE OPTIONS DEVICE DIRECTORY
 *
 * which a shell may read octet by octet.  A write of "ID ERROR\n" ends it.  One
 * process has the device open; when it closes it, work under way fails.
 */
#include "fsva_kern.h"

#define FSVA_HELPER_SECONDS	120	/* that a mount may take */
#define FSVA_OPENER_SECONDS	30	/* that we wait for fsvad(8) */
#define FSVA_LINE		2048

/* fc_lock guards all of it. */
static struct {
	kmutex_t fc_lock;
	kcondvar_t fc_cv;
	bool fc_open;
	bool fc_busy;			/* somebody's work is under way */
	bool fc_done;			/* and was answered by fc_error */
	u_int fc_id;
	int fc_error;
	size_t fc_len, fc_pos;		/* of the line; what was read of it */
	char fc_line[FSVA_LINE];
} fc;

void
fsva_ctl_init(void)
{

	mutex_init(&fc.fc_lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&fc.fc_cv, "fsvactl");
}

/* fc_lock is held: until deadline, or something changes.  False: it is over. */
static bool
fsva_ctl_wait(int deadline)
{
	int left = deadline - hardclock_ticks;

	if (left <= 0)
		return false;
	(void)cv_timedwait(&fc.fc_cv, &fc.fc_lock, left);
	return true;
}

int
fsva_helper_mount(const struct fsva_source *src, bool update,
    const char *options)
{
	int deadline = hardclock_ticks + FSVA_OPENER_SECONDS * hz, n, error;

	mutex_enter(&fc.fc_lock);
	while (!fc.fc_open || fc.fc_busy) {
		if (!fsva_ctl_wait(deadline)) {
			mutex_exit(&fc.fc_lock);
			printf("%s: fsvad(8) does not answer\n",
			    src->src_name);
			return ENXIO;
		}
	}
	n = snprintf(fc.fc_line, sizeof(fc.fc_line), "%u\t%s\t%s\t%s\t%s\t%s\n",
	    ++fc.fc_id, update ? "update" : "mount", src->src_fs, options,
	    src->src_dev, src->src_dir);
	if (n < 0 || (size_t)n >= sizeof(fc.fc_line)) {
		mutex_exit(&fc.fc_lock);
		return ENAMETOOLONG;
	}
	fc.fc_len = n;
	fc.fc_pos = 0;
	fc.fc_busy = true;
	fc.fc_done = false;
	cv_broadcast(&fc.fc_cv);
	deadline = hardclock_ticks + FSVA_HELPER_SECONDS * hz;
	while (!fc.fc_done && fc.fc_open && fsva_ctl_wait(deadline))
		continue;
	error = fc.fc_done ? fc.fc_error : EIO;
	fc.fc_busy = false;
	fc.fc_len = fc.fc_pos = 0;
	cv_broadcast(&fc.fc_cv);
	mutex_exit(&fc.fc_lock);
	return error;
}

dev_type_open(fsvaopen);
dev_type_close(fsvaclose);
dev_type_read(fsvaread);
dev_type_write(fsvawrite);

const struct cdevsw fsva_cdevsw = {
	.d_open = fsvaopen,
	.d_close = fsvaclose,
	.d_read = fsvaread,
	.d_write = fsvawrite,
	.d_ioctl = noioctl,
	.d_stop = nostop,
	.d_tty = notty,
	.d_poll = nopoll,
	.d_mmap = nommap,
	.d_kqfilter = nokqfilter,
	.d_discard = nodiscard,
	.d_flag = D_OTHER | D_MPSAFE
};

int
fsvaopen(dev_t dev, int flags, int mode, struct lwp *l)
{
	int error = 0;

	if (minor(dev) != 0)
		return ENXIO;
	mutex_enter(&fc.fc_lock);
	if (fc.fc_open)
		error = EBUSY;
	fc.fc_open = true;
	cv_broadcast(&fc.fc_cv);
	mutex_exit(&fc.fc_lock);
	/* The toolstack waits for this: from here on we can mount. */
	if (!error)
		(void)xenbus_write(NULL, "data", "fsva-ready", "1");
	return error;
}

int
fsvaclose(dev_t dev, int flags, int mode, struct lwp *l)
{

	mutex_enter(&fc.fc_lock);
	fc.fc_open = false;
	cv_broadcast(&fc.fc_cv);
	mutex_exit(&fc.fc_lock);
	return 0;
}

int
fsvaread(dev_t dev, struct uio *uio, int ioflag)
{
	char part[128];
	size_t n;
	int error = 0;

	mutex_enter(&fc.fc_lock);
	while (fc.fc_pos == fc.fc_len && !error)
		error = cv_wait_sig(&fc.fc_cv, &fc.fc_lock);
	n = MIN(MIN(fc.fc_len - fc.fc_pos, uio->uio_resid), sizeof(part));
	memcpy(part, fc.fc_line + fc.fc_pos, n);
	fc.fc_pos += n;
	mutex_exit(&fc.fc_lock);
	return error ? error : uiomove(part, n, uio);
}

/* "ID ERROR": two numbers. */
int
fsvawrite(dev_t dev, struct uio *uio, int ioflag)
{
	char buf[32], *end;
	size_t n = MIN(uio->uio_resid, sizeof(buf) - 1);
	u_long id, value;
	int error;

	error = uiomove(buf, n, uio);
	if (error)
		return error;
	buf[n] = '\0';
	id = strtoul(buf, &end, 10);
	if (end == buf || *end != ' ')
		return EINVAL;
	value = strtoul(end + 1, &end, 10);
	if (*end != '\n' && *end != '\0')
		return EINVAL;
	mutex_enter(&fc.fc_lock);
	if (fc.fc_busy && id == fc.fc_id) {
		fc.fc_error = value > ELAST ? EIO : (int)value;
		fc.fc_done = true;
		cv_broadcast(&fc.fc_cv);
	} else
		error = ESRCH;
	mutex_exit(&fc.fc_lock);
	return error;
}
